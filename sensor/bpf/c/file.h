/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Opening, renaming, linking, removing and re-moding of watched files.
 */
#ifndef TOCSIN_FILE_H
#define TOCSIN_FILE_H

#include "call.h"

/* /proc/<pid>/mem opened for writing is a way to write into another process. */
static __always_inline u32 opened(struct scratch *s, struct task_struct *t, struct file *f, u32 watched)
{
	struct file_op *o = (struct file_op *)s->record;
	struct inode *i = BPF_CORE_READ(f, f_inode);
	char *text = s->record + sizeof(*o);
	u32 n;

	introduce(&o->head, t);
	n = path_text(s, sizeof(*o), BPF_CORE_READ(f, f_path.dentry), BPF_CORE_READ(f, f_path.mnt), t);
	if (n > PATHS)
		n = PATHS;
	if (!(watched | (prefix_watch(text) & WATCH_WRITE)) && !(o->head.flags & F_CUT_PATH))
		return 0;
	o->inode = BPF_CORE_READ(i, i_ino);
	o->mode = BPF_CORE_READ(i, i_mode);
	o->open_flags = BPF_CORE_READ(f, f_flags);
	o->path = n;
	o->to = 0;
	return sizeof(*o) + n;
}

static __always_inline int mem_opened(struct count *c, struct task_struct *t, struct file *f, u32 at)
{
	struct count *m = saw(MEM_WRITE);
	char pid[12] = {};
	struct scratch *s;
	struct call *k;

	drop(c);
	if (!m)
		return 0;
	if (!wanted(MEM_WRITE))
		return drop(m);
	s = scratch();
	if (!s)
		return lose(m);
	k = (struct call *)s->record;
	introduce(&k->head, t);
	mark(&k->head, at, N_PROC_MEM);
	k->arg = k->target = k->target_start = k->source = k->result = 0;
	bpf_probe_read_kernel_str(pid, sizeof(pid), BPF_CORE_READ(f, f_path.dentry, d_parent, d_name.name));
	__builtin_memcpy(s->record + sizeof(*k), pid, sizeof(pid));
	k->name = sizeof(pid);
	stamp(&k->head, m, MEM_WRITE, sizeof(*k) + sizeof(pid));
	send(&priority, m, k, sizeof(*k) + sizeof(pid));
	done(s);
	return 0;
}

/* An open that was refused has no file; its name is the caller's word. */
static __always_inline int refused(struct count *c, struct pt_regs *r, u32 at, s64 ret, u64 flags, int dirfd, u64 name)
{
	struct scratch *s = scratch();
	u32 n;

	if (!s)
		return lose(c);
	struct file_op *o = (struct file_op *)s->record;
	introduce(&o->head, current_task());
	s->dirfd[0] = dirfd;
	s->name[0] = name;
	s->what = OPEN;
	n = worded(s, sizeof(*o), 0);
	if (n > PATHS)
		n = PATHS;
	if (n == 0 || !(s->watched || o->head.flags & F_UNCLEAN)) {
		done(s);
		return drop(c);
	}
	mark(&o->head, at, flags & O_CREAT ? CREATE : OPEN);
	o->inode = o->mode = o->to = 0;
	o->open_flags = flags;
	o->result = ret;
	o->path = n;
	stamp(&o->head, c, FILE_, sizeof(*o) + n);
	send_text(&bulk, c, s, sizeof(*o) + n);
	done(s);
	return 0;
}

/* names[]: 1 open, 2 creat, 3 openat, 4 openat2 */
SEC("raw_tp/sys_exit")
int on_open(struct bpf_raw_tracepoint_args *ctx)
{
	BEGIN(FILE_)
	u32 watched = 0, mode, type;
	int at_dir = what >= 3;
	u64 flags = O_CREAT | O_TRUNC | 1;
	struct inode *i;
	struct file *f;
	struct scratch *s;

	if (what == 1)
		flags = arg(r, 1, at);
	else if (what == 3)
		flags = arg(r, 2, at);
	else if (what == 4)
		bpf_probe_read_user(&flags, sizeof(flags), (void *)arg(r, 2, at));
	if (!(flags & (O_ACCMODE | O_CREAT | O_TRUNC)) && !(set.flags & SET_READS))
		return drop(c);
	if (ret < 0) {
		if ((ret != -EACCES && ret != -EPERM))
			return drop(c);
		return refused(c, r, at, ret, flags, at_dir ? (int)arg(r, 0, at) : AT_FDCWD, arg(r, at_dir, at));
	}
	f = file_of(t, ret);
	if (!f)
		return drop(c);
	mode = BPF_CORE_READ(f, f_mode);
	i = BPF_CORE_READ(f, f_inode);
	type = BPF_CORE_READ(i, i_mode) & S_IFMT;
	if (!(mode & FMODE_WRITE)) {
		if (type != S_IFREG || !(leaf_watch(BPF_CORE_READ(f, f_path.dentry, d_name.name)) & WATCH_READ))
			return drop(c);
		watched = 1;
	} else if (type == S_IFREG || type == S_IFBLK) {
		struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
		if (BPF_CORE_READ(i, i_sb, s_magic) == PROC_MAGIC) {
			char name[8] = {};
			bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(d, d_name.name));
			if (*(u32 *)name == 0x006d656d) /* "mem" */
				return mem_opened(c, t, f, at);
		}
		watched = leaf_watch(BPF_CORE_READ(d, d_name.name)) | leaf_watch(BPF_CORE_READ(d, d_parent, d_name.name));
		watched |= type == S_IFBLK || (mode & FMODE_CREATED && BPF_CORE_READ(i, i_mode) & SETS_ID);
	} else if (!(watched = leaf_watch(BPF_CORE_READ(f, f_path.dentry, d_name.name)))) {
		return drop(c); /* terminals, pipes, null */
	}
	s = scratch();
	if (!s)
		return lose(c);
	u32 n = opened(s, t, f, watched);
	if (n == 0 || n > sizeof(struct file_op) + PATHS) {
		done(s);
		return drop(c);
	}
	struct file_op *o = (struct file_op *)s->record;
	mark(&o->head, at, mode & FMODE_CREATED ? CREATE : OPEN);
	if (mode & FMODE_WRITE)
		o->head.flags |= F_WRITE;
	o->result = 0;
	stamp(&o->head, c, FILE_, n);
	send_text(&bulk, c, s, n);
	done(s);
	return 0;
}

/* names[]: the op in the low four bits; 16: the first argument is a folder; 32: there is
 * a second path, whose folder is the argument after the first path; 64: without folders;
 * 128: the first argument is the file itself. */
SEC("raw_tp/sys_exit")
int on_paths(struct bpf_raw_tracepoint_args *ctx)
{
	BEGIN(FILE_)
	u32 n = 0, m = 0, op = what & 15;
	struct scratch *s;

	if (ret < 0 && ret != -EACCES && ret != -EPERM)
		return drop(c);
	s = scratch();
	if (!s)
		return lose(c);
	struct file_op *o = (struct file_op *)s->record;
	char *text = s->record + sizeof(*o);
	introduce(&o->head, t);
	o->inode = o->mode = o->open_flags = 0;
	o->result = ret;
	if (what & 128) {
		struct file *f = file_of(t, arg(r, 0, at));
		n = path_text(s, sizeof(*o), BPF_CORE_READ(f, f_path.dentry), BPF_CORE_READ(f, f_path.mnt), t);
		o->mode = arg(r, 1, at);
		s->watched = (prefix_watch(text) & WATCH_WRITE) | leaf_watch(BPF_CORE_READ(f, f_path.dentry, d_name.name)) | !!(o->mode & SETS_ID);
	} else {
		int at_dir = !!(what & 16), shift = 0;
		if (op == SYMLINK) /* the first argument is text that the link will hold */
			shift = 1;
		s->dirfd[0] = at_dir ? (int)arg(r, shift, at) : AT_FDCWD;
		s->name[0] = arg(r, shift + at_dir, at);
		s->dirfd[1] = at_dir ? (int)arg(r, 2, at) : AT_FDCWD;
		s->name[1] = arg(r, op == SYMLINK ? 0 : at_dir ? 3 : 1, at);
		if (op == MODE) {
			o->mode = arg(r, at_dir + 1, at);
			s->watched = !!(o->mode & SETS_ID);
		}
		s->what = what;
		n = worded(s, sizeof(*o), 0);
		if (n > PATHS)
			n = PATHS;
		/* Read back: the verifier of 5.10 would otherwise take what it knew before the
		 * call for what is, and cut this branch off as one that is never taken. */
		what = *(volatile u32 *)&s->what;
		op = what & 15;
		if (op == SYMLINK) {
			long got = bpf_probe_read_user_str(text + n, ASKED, (void *)s->name[1]);
			m = got > 0 && got <= ASKED ? got : 0;
		} else if (what & 32) {
			m = worded(s, sizeof(*o) + n, 1);
			if (m > PATHS)
				m = PATHS;
		}
	}
	if (n > PATHS)
		n = PATHS;
	if (n == 0 || !(s->watched || o->head.flags & (F_UNCLEAN | F_CUT_PATH))) {
		done(s);
		return drop(c);
	}
	mark(&o->head, at, op);
	o->path = n;
	o->to = m;
	n += m + sizeof(*o);
	stamp(&o->head, c, FILE_, n);
	send_text(&bulk, c, s, n);
	done(s);
	return 0;
}

/* io_uring opens, renames and removes without a system call of that name. What came of
 * it is not known here. */
enum { IORING_OPENAT = 18, IORING_OPENAT2 = 28, IORING_RENAMEAT = 35, IORING_UNLINKAT = 36 };

SEC("raw_tp/io_uring_submit_req")
int on_ring(struct bpf_raw_tracepoint_args *ctx)
{
	struct io_kiocb *req = (void *)ctx->args[0];
	u8 op = BPF_CORE_READ(req, opcode);
	u32 n = 0, m = 0;
	struct scratch *s;
	struct count *c;

	if (op != IORING_OPENAT && op != IORING_OPENAT2 && op != IORING_RENAMEAT && op != IORING_UNLINKAT)
		return 0;
	c = saw(FILE_);
	if (!c)
		return 0;
	if (!wanted(FILE_))
		return drop(c);
	s = scratch();
	if (!s)
		return lose(c);
	struct file_op *o = (struct file_op *)s->record;
	introduce(&o->head, current_task());
	o->inode = o->mode = o->open_flags = 0;
	o->result = -EINPROGRESS;
	s->copied = 1;
	s->what = op == IORING_RENAMEAT ? RENAME : OPEN;
	if (op == IORING_RENAMEAT) {
		struct io_rename *x = (void *)req;
		s->dirfd[0] = BPF_CORE_READ(x, old_dfd);
		s->name[0] = (u64)BPF_CORE_READ(x, oldpath, name);
		s->dirfd[1] = BPF_CORE_READ(x, new_dfd);
		s->name[1] = (u64)BPF_CORE_READ(x, newpath, name);
		o->head.call = RENAME;
	} else if (op == IORING_UNLINKAT) {
		struct io_unlink *x = (void *)req;
		s->dirfd[0] = BPF_CORE_READ(x, dfd);
		s->name[0] = (u64)BPF_CORE_READ(x, filename, name);
		o->head.call = REMOVE;
	} else {
		struct io_open *x = (void *)req;
		u64 flags = BPF_CORE_READ(x, how.flags);
		if (!(flags & (O_ACCMODE | O_CREAT | O_TRUNC))) {
			done(s);
			return drop(c);
		}
		o->open_flags = flags;
		s->dirfd[0] = BPF_CORE_READ(x, dfd);
		s->name[0] = (u64)BPF_CORE_READ(x, filename, name);
		o->head.call = flags & O_CREAT ? CREATE : OPEN;
	}
	n = worded(s, sizeof(*o), 0);
	if (n > PATHS)
		n = PATHS;
	if (op == IORING_RENAMEAT) {
		m = worded(s, sizeof(*o) + n, 1);
		if (m > PATHS)
			m = PATHS;
	}
	if (n > PATHS)
		n = PATHS;
	if (n == 0 || !(s->watched || o->head.flags & F_UNCLEAN)) {
		done(s);
		return drop(c);
	}
	o->head.flags |= F_IO_URING;
	o->path = n;
	o->to = m;
	n += m + sizeof(*o);
	stamp(&o->head, c, FILE_, n);
	send_text(&bulk, c, s, n);
	done(s);
	return 0;
}

#endif
