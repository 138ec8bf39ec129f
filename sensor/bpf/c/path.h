/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Paths from what the kernel resolved, not from what the caller wrote.
 */
#ifndef TOCSIN_PATH_H
#define TOCSIN_PATH_H

#include "eyes.h"


/* Parts that are verified by themselves, once, instead of at each place that calls them:
 * the verifier's work stays small. They get the scratch memory, and places in its record
 * by number; old verifiers cannot take a pointer so. */
#ifdef LEGACY
#define SUB static __noinline
#define DEPTH 32 /* components of a path */
#define LOOK 256 /* bytes of a path that are looked through for dots */
#else
#define SUB __noinline
#define DEPTH 64
#define LOOK 1024
#endif

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFCHR 0020000

#define container_of_mnt(m) ((struct mount *)((char *)(m) - bpf_core_field_offset(struct mount, mnt)))

/* climb remembers the way from a file up to the root of the process: dentries from the
 * leaf upwards, zero where a mount point was crossed. whole is false when the way is
 * longer than we go. The place in the list is the number of the step and nothing else:
 * a second counter would square the verifier's work. */
SUB int climb(struct scratch *s, u64 leaf, u64 leafmnt, u64 root, u64 rootmnt)
{
	struct dentry *d = (struct dentry *)leaf;
	struct vfsmount *m = (struct vfsmount *)leafmnt;
	if (!s)
		return 0;
	struct mount *mnt = container_of_mnt(m);
	struct dentry *top = BPF_CORE_READ(m, mnt_root);

	s->whole = 1;
	for (u32 i = 0; i < DEPTH; i++) {
		s->depth = i;
		if ((u64)d == root && (u64)m == rootmnt)
			return 1;
		if (d == top) {
			struct mount *up = BPF_CORE_READ(mnt, mnt_parent);
			if (up == mnt)
				return 1;
			s->dentries[i] = 0;
			d = BPF_CORE_READ(mnt, mnt_mountpoint);
			mnt = up;
			m = (struct vfsmount *)((char *)mnt + bpf_core_field_offset(struct mount, mnt));
			top = BPF_CORE_READ(m, mnt_root);
			continue;
		}
		struct dentry *up = BPF_CORE_READ(d, d_parent);
		s->dentries[i] = (u64)d;
		if (up == d) {
			s->depth = i + 1;
			return 1; /* hangs in no tree: memfd, pipe */
		}
		d = up;
	}
	s->whole = 0;
	return 0;
}

/* spell writes the way down as text with its final zero, at most PATHS bytes, and
 * returns how many. A way that was too long begins with "...". Where it stands is kept in
 * memory: read back it is any number to the verifier, which then needs one look at each
 * step instead of one at each step for every length the steps before could have had. */
SUB u32 spell(struct scratch *s, u32 from)
{
	volatile u32 *at;
	u32 n, off;
	char *to;

	if (!s || from > LAST)
		return 0;
	at = &s->at;
	n = s->depth;
	to = s->record + from;
	*at = 0;
	if (!s->whole) {
		to[0] = '.', to[1] = '.', to[2] = '.';
		*at = 3;
	}
	for (u32 i = 0; i < DEPTH; i++) {
		if (i >= n)
			break;
		struct dentry *d = (struct dentry *)s->dentries[(n - 1 - i) & (DEPTH - 1)];
		off = *at;
		if (!d)
			continue;
		if (off > PATHS - NAME - 2)
			break;
		to[off] = '/';
		long got = bpf_probe_read_kernel_str(to + off + 1, NAME, BPF_CORE_READ(d, d_name.name));
		if (got <= 0 || got > NAME)
			break;
		*at = off + got; /* the slash makes up for the final zero */
	}
	off = *at;
	if (off == 0) {
		to[0] = '/', to[1] = 0;
		return 2;
	}
	return off < PATHS ? off + 1 : PATHS;
}

/* path_text is the path of a file as its own process would write it, into the record. */
static __always_inline u32 path_text(struct scratch *s, u32 to, struct dentry *d, struct vfsmount *m,
				     struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	climb(s, (u64)d, (u64)m, (u64)BPF_CORE_READ(fs, root.dentry), (u64)BPF_CORE_READ(fs, root.mnt));
	if (!s->whole)
		((struct head *)s->record)->flags |= F_CUT_PATH;
	return spell(s, to);
}

static __always_inline struct file *file_of(struct task_struct *task, u32 fd)
{
	struct fdtable *t = BPF_CORE_READ(task, files, fdt);
	struct file **fds = BPF_CORE_READ(t, fd), *f = NULL;

	if (fd >= BPF_CORE_READ(t, max_fds))
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), fds + fd);
	return f;
}

static __always_inline u64 ctime_of(struct inode *i)
{
	if (bpf_core_field_exists(i->i_ctime_sec))
		return BPF_CORE_READ(i, i_ctime_sec) * 1000000000ull + BPF_CORE_READ(i, i_ctime_nsec);
	struct inode___66 *n = (void *)i;
	if (bpf_core_field_exists(n->__i_ctime))
		return BPF_CORE_READ(n, __i_ctime.tv_sec) * 1000000000ull + BPF_CORE_READ(n, __i_ctime.tv_nsec);
	struct inode___old *o = (void *)i;
	return BPF_CORE_READ(o, i_ctime.tv_sec) * 1000000000ull + BPF_CORE_READ(o, i_ctime.tv_nsec);
}

#endif
