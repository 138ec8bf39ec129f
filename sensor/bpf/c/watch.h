/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Files that are watched. What was opened is resolved through the file itself, after the
 * call; names that were removed or changed have only the caller's words, made whole
 * with the folder they are relative to.
 */
#ifndef TOCSIN_WATCH_H
#define TOCSIN_WATCH_H

#include "process.h"

enum op { OPEN = 1, CREATE, RENAME, LINK, SYMLINK, REMOVE, MODE };

#define WATCHED 64
struct prefix {
	u32 bits;
	char path[WATCHED];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, u32);
} prefixes SEC(".maps");

#define LEAF 32
struct leaf {
	char name[LEAF];
};

enum { WATCH_WRITE = 1, WATCH_READ = 2, WATCH_RENAME = 4 };

#define SETS_ID 06000 /* S_ISUID | S_ISGID */

/* Names that are watched wherever they are: .bashrc, authorized_keys, shadow. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct leaf);
	__type(value, u32);
} leaves SEC(".maps");

#define FMODE_WRITE 2
#define FMODE_CREATED 0x100000
#define PROC_MAGIC 0x9fa0
#define O_ACCMODE 3
#define O_CREAT 0100
#define O_TRUNC 01000
#define AT_FDCWD -100
#define EPERM 1
#define EACCES 13

static __always_inline u32 leaf_watch(const void *name)
{
	struct leaf l = {};
	u32 *w;

	if (bpf_probe_read_kernel_str(l.name, sizeof(l.name), name) <= 0)
		return 0;
	w = bpf_map_lookup_elem(&leaves, &l);
	return w ? *w : 0;
}

static __always_inline u32 prefix_watch(const char *path)
{
	struct prefix p = {.bits = WATCHED * 8};
	u32 *w;

	bpf_probe_read_kernel(p.path, sizeof(p.path), path);
	w = bpf_map_lookup_elem(&prefixes, &p);
	return w ? *w : 0;
}

/* look goes through a path that a caller wrote: dots and doubled slashes could lead
 * past the watch, so such a path is always told. It returns where the last name is. */
SUB u32 look(struct scratch *s, u32 from)
{
	volatile u32 *leaf;
	u16 *flags;
	char *path;

	if (!s || from > LAST)
		return 0;
	leaf = &s->at;
	flags = &((struct head *)s->record)->flags;
	path = s->record + from;
	*leaf = 0;
	for (u32 i = 0; i < LOOK; i++) {
		volatile char *p = path + i;
		if (!p[0])
			return *leaf;
		if (p[0] != '/')
			continue;
		*leaf = i + 1;
		if (p[1] == '/' || (p[1] == '.' && (p[2] == '/' || p[2] == '.' || !p[2])))
			*flags |= F_UNCLEAN;
	}
	*flags |= F_UNCLEAN;
	return 0;
}

/* worded puts a path that a caller wrote into the record, whole, and remembers whether
 * it is watched. Which path it is, the caller's text or the kernel's copy of it, and
 * below which folder, is in the scratch memory. */
SUB u32 worded(struct scratch *s, u32 from, u32 which)
{
	struct task_struct *t = (struct task_struct *)bpf_get_current_task();
	volatile u32 *at;
	const char *name;
	u32 off, leaf;
	char first = 0, *to;
	int dirfd;
	long got;

	if (!s || from > LAST)
		return 0;
	at = &s->at;
	to = s->record + from;
	name = (const char *)s->name[which & 1];
	dirfd = s->dirfd[which & 1];
	if (s->copied)
		bpf_probe_read_kernel(&first, 1, name);
	else
		bpf_probe_read_user(&first, 1, name);
	*at = 0;
	if (first != '/') {
		struct file *f = dirfd == AT_FDCWD ? NULL : file_of(t, dirfd);
		struct fs_struct *fs = BPF_CORE_READ(t, fs);
		s->dentry = (u64)(f ? BPF_CORE_READ(f, f_path.dentry) : BPF_CORE_READ(fs, pwd.dentry));
		s->mnt = (u64)(f ? BPF_CORE_READ(f, f_path.mnt) : BPF_CORE_READ(fs, pwd.mnt));
		off = path_text(s, from, (void *)s->dentry, (void *)s->mnt, t);
		off = off > 2 ? off - 1 : 0; /* where its final zero is; of the root, its slash */
		off &= PATHS - 1;
		to[off] = '/';
		*at = off + 1;
	}
	off = *at;
	if (off > PATHS - ASKED)
		return 0;
	if (s->copied)
		got = bpf_probe_read_kernel_str(to + off, ASKED, name);
	else
		got = bpf_probe_read_user_str(to + off, ASKED, name);
	if (got <= 0 || got > ASKED)
		return 0;
	leaf = look(s, from);
	s->watched |= (prefix_watch(to) & ((s->what & 15) == RENAME ? WATCH_WRITE | WATCH_RENAME : WATCH_WRITE)) |
		      leaf_watch(to + (leaf & (LOOK - 1)));
	return off + got;
}

#endif
