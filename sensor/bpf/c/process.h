/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Who a process is, and its beginning and end.
 */
#ifndef TOCSIN_PROCESS_H
#define TOCSIN_PROCESS_H

#include "path.h"

/* What was last known of a process' credentials. What they are now is in the kernel;
 * what they were before a call is nowhere else. */
struct known {
	u64 caps;
	u32 uid, euid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u32); /* thread group */
	__type(value, struct known);
} processes SEC(".maps");

static __always_inline void credentials(struct known *k, const struct cred *c)
{
	k->uid = BPF_CORE_READ(c, uid.val);
	k->euid = BPF_CORE_READ(c, euid.val);
	/* Root of a user namespace of its own is root of nothing here. */
	k->caps = 0;
	if (BPF_CORE_READ(c, user_ns, level) == 0)
		bpf_core_read(&k->caps, sizeof(k->caps), &c->cap_effective);
}

static __always_inline int gained(const struct known *was, const struct known *is)
{
	return (is->euid == 0 && was->euid != 0 && is->caps) || (is->caps & ~was->caps);
}

static __always_inline u64 cgroup_of(struct task_struct *t)
{
	struct css_set *set_of = BPF_CORE_READ(t, cgroups);

	if (set.flags & SET_V1_MEMORY) {
		struct cgroup_subsys_state *css = NULL;
		u32 i = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
		bpf_core_read(&css, sizeof(css), &set_of->subsys[i & 15]);
		return BPF_CORE_READ(css, cgroup, kn, id);
	}
	return BPF_CORE_READ(set_of, dfl_cgrp, kn, id);
}

/* introduce writes down whose doing it is. */
static __always_inline void introduce(struct head *h, struct task_struct *t)
{
	struct task_struct *leader = BPF_CORE_READ(t, group_leader), *parent = BPF_CORE_READ(t, real_parent);
	const struct cred *c = BPF_CORE_READ(t, cred);

	h->at = bpf_ktime_get_boot_ns();
	h->tgid = BPF_CORE_READ(t, tgid);
	h->tid = BPF_CORE_READ(t, pid);
	h->start = BPF_CORE_READ(leader, start_boottime);
	h->ppid = BPF_CORE_READ(parent, tgid);
	h->pstart = BPF_CORE_READ(parent, group_leader, start_boottime);
	h->uid = BPF_CORE_READ(c, uid.val);
	h->euid = BPF_CORE_READ(c, euid.val);
	h->gid = BPF_CORE_READ(c, gid.val);
	bpf_core_read(&h->caps, sizeof(h->caps), &c->cap_effective);
	h->login = bpf_core_field_exists(t->loginuid) ? BPF_CORE_READ(t, loginuid.val) : (u32)-1;
	h->cgroup = cgroup_of(t);
	h->flags = 0;
	h->call = 0;
	BPF_CORE_READ_INTO(&h->comm, t, comm);
}

static __always_inline int forked(struct task_struct *child)
{
	struct known k;
	u32 tgid = BPF_CORE_READ(child, tgid);

	if (tgid != (u32)BPF_CORE_READ(child, pid))
		return 0; /* a thread */
	credentials(&k, BPF_CORE_READ(child, cred));
	bpf_map_update_elem(&processes, &tgid, &k, BPF_ANY);
	return 0;
}

static __always_inline int ended(struct task_struct *t)
{
	struct exit x = {};
	struct count *c;
	u32 tgid;

	if (BPF_CORE_READ(t, signal, live.counter) != 0)
		return 0; /* others of its threads live on */
	tgid = BPF_CORE_READ(t, tgid);
	bpf_map_delete_elem(&processes, &tgid);
	c = saw(EXIT);
	if (!c)
		return 0;
	if (!wanted(EXIT) || tgid == set.self)
		return drop(c);
	introduce(&x.head, t);
	x.code = BPF_CORE_READ(t, exit_code);
	stamp(&x.head, c, EXIT, sizeof(x));
	send(&bulk, c, &x, sizeof(x));
	return 0;
}

/* Credentials that grew without a call that could do it: a hole in the kernel is being
 * used. Whoever runs a set-user-id program or one with file capabilities is not meant. */
static __always_inline void unexplained(struct exec *e, struct known *was)
{
	struct count *c = saw(PRIVILEGE);
	struct priv p = {};

	if (!c)
		return;
	if (!wanted(PRIVILEGE)) {
		drop(c);
		return;
	}
	p.head = e->head;
	p.head.call = 0;
	p.caps_was = was->caps;
	p.uid_was = was->uid;
	p.euid_was = was->euid;
	stamp(&p.head, c, PRIVILEGE, sizeof(p));
	send(&priority, c, &p, sizeof(p));
}

static __always_inline void compare_credentials(struct exec *e, struct task_struct *t, unsigned short mode)
{
	u32 tgid = e->head.tgid;
	struct known is, *was = bpf_map_lookup_elem(&processes, &tgid);

	credentials(&is, BPF_CORE_READ(t, cred));
	e->uid_was = is.uid;
	e->euid_was = is.euid;
	e->caps_was = is.caps;
	if (!was) {
		if (mode & 04000 && is.euid != is.uid)
			e->head.flags |= F_SETUID;
		bpf_map_update_elem(&processes, &tgid, &is, BPF_ANY);
		return;
	}
	e->uid_was = was->uid;
	e->euid_was = was->euid;
	e->caps_was = was->caps;
	if (mode & 06000 && is.euid != was->euid)
		e->head.flags |= F_SETUID;
	else if (is.uid != was->uid)
		unexplained(e, was); /* an exec never changes the real user */
	else if (is.caps & ~was->caps)
		e->head.flags |= F_CAPS;
	*was = is;
}

/* The arguments as the new program has them, in its own memory: nobody can change them
 * between a check and a use any more. */
static __always_inline u32 arguments(struct exec *e, struct task_struct *t, char *to)
{
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	u64 from = BPF_CORE_READ(mm, arg_start), all = BPF_CORE_READ(mm, arg_end) - from;
	u32 n = all;

	e->args_len = all;
	if (all > ARGS) {
		n = ARGS;
		e->head.flags |= F_CUT_ARGS;
	}
	if (n > ARGS || n == 0)
		return 0;
	if (bpf_probe_read_user(to, n, (void *)from)) {
		e->head.flags |= F_CUT_ARGS;
		return 0;
	}
	return n;
}

static __always_inline u32 fill_exec(struct scratch *s, struct task_struct *t, struct linux_binprm *b)
{
	struct exec *e = (struct exec *)s->record;
	char *text = s->record + sizeof(*e);
	struct file *f = BPF_CORE_READ(b, file);
	struct inode *i = BPF_CORE_READ(f, f_inode);
	struct fs_struct *fs = BPF_CORE_READ(t, fs);
	u32 off, n;
	long got;

	introduce(&e->head, t);
	e->inode = BPF_CORE_READ(i, i_ino);
	e->ctime = ctime_of(i);
	e->result = 0;
	compare_credentials(e, t, BPF_CORE_READ(i, i_mode));
	e->tty[0] = 0;
	struct tty_struct *tty = BPF_CORE_READ(t, signal, tty);
	if (tty)
		bpf_probe_read_kernel_str(e->tty, sizeof(e->tty), tty->name);

	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	if (BPF_CORE_READ(i, i_nlink) == 0) {
		e->head.flags |= F_DELETED;
		char name[8] = {};
		bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(d, d_name.name));
		if ((*(u64 *)name & 0xffffffffffffull) == 0x3a64666d656dull) /* "memfd:" */
			e->head.flags = (e->head.flags & ~F_DELETED) | F_MEMFD;
	}
	n = path_text(s, sizeof(*e), d, BPF_CORE_READ(f, f_path.mnt), t);
	if (n > PATHS)
		n = PATHS;
	e->exe = off = n;

	got = bpf_probe_read_kernel_str(text + off, ASKED, BPF_CORE_READ(b, filename));
	if (got < 0 || got > ASKED)
		got = 0;
	e->asked = got;
	off += got;
	n = arguments(e, t, text + off);
	if (n > ARGS)
		n = ARGS;
	e->args = n;
	off += n;
	if (off > PATHS + ASKED + ARGS)
		return sizeof(*e);
	n = path_text(s, sizeof(*e) + off, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt), t);
	if (n > PATHS)
		n = PATHS;
	e->dir = n;
	return sizeof(*e) + off + n;
}

static __always_inline int executed(struct task_struct *t, struct linux_binprm *b)
{
	struct count *c = saw(EXEC);
	struct scratch *s;
	u32 len;

	if (!c)
		return 0;
	if (!wanted(EXEC))
		return drop(c);
	s = scratch();
	if (!s)
		return lose(c);
	len = fill_exec(s, t, b);
	stamp((struct head *)s->record, c, EXEC, len);
	send_text(&priority, c, s, len);
	done(s);
	return 0;
}

/* The same three twice: a program on a BTF tracepoint where that is allowed, else on
 * the raw one. The arguments are in the same places. */
SEC("tp_btf/sched_process_exec")
int exec_btf(u64 *ctx) { return executed((void *)ctx[0], (void *)ctx[2]); }

SEC("raw_tp/sched_process_exec")
int exec_raw(struct bpf_raw_tracepoint_args *ctx) { return executed((void *)ctx->args[0], (void *)ctx->args[2]); }

SEC("tp_btf/sched_process_exit")
int exit_btf(u64 *ctx) { return ended((void *)ctx[0]); }

SEC("raw_tp/sched_process_exit")
int exit_raw(struct bpf_raw_tracepoint_args *ctx) { return ended((void *)ctx->args[0]); }

SEC("tp_btf/sched_process_fork")
int fork_btf(u64 *ctx) { return forked((void *)ctx[1]); }

SEC("raw_tp/sched_process_fork")
int fork_raw(struct bpf_raw_tracepoint_args *ctx) { return forked((void *)ctx->args[1]); }

#endif
