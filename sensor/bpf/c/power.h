/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Calls that give or take power: credentials, other processes' memory, programs for the
 * kernel, namespaces, mounts. And two that are about sockets and programs, as they
 * return: accept, and an exec that failed.
 */
#ifndef TOCSIN_POWER_H
#define TOCSIN_POWER_H

#include "call.h"

#define ENOENT 2

SEC("raw_tp/sys_exit")
int on_failed_exec(struct bpf_raw_tracepoint_args *ctx)
{
	if ((s64)ctx->args[1] >= 0)
		return 0; /* told by sched_process_exec */
	BEGIN(EXEC)
	u64 name = arg(r, what == 2, at); /* 2: execveat */
	struct scratch *s;
	struct exec *e;
	long got;

	if (ret == -ENOENT && !(set.flags & SET_FAILED_EXEC))
		return drop(c); /* shells look along PATH */
	s = scratch();
	if (!s)
		return lose(c);
	e = (struct exec *)s->record;
	__builtin_memset(e, 0, sizeof(*e));
	introduce(&e->head, t);
	if (at >= CALLS32)
		e->head.flags |= F_COMPAT;
	e->result = ret;
	e->uid_was = e->head.uid;
	e->euid_was = e->head.euid;
	e->caps_was = e->head.caps;
	got = bpf_probe_read_user_str(s->record + sizeof(*e), ASKED, (void *)name);
	if (got < 0 || got > ASKED)
		got = 0;
	e->asked = got;
	stamp(&e->head, c, EXEC, sizeof(*e) + got);
	send_text(&priority, c, s, sizeof(*e) + got);
	done(s);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_accept(struct bpf_raw_tracepoint_args *ctx)
{
	BEGIN(ACCEPT)
	struct net n = {};
	struct socket *so;
	struct file *f;

	if (ret < 0)
		return drop(c);
	f = file_of(t, ret);
	so = (struct socket *)BPF_CORE_READ(f, private_data);
	ends_of(&n, BPF_CORE_READ(so, sk));
	if (!n.family)
		return drop(c); /* a local socket */
	introduce(&n.head, t);
	stamp(&n.head, c, ACCEPT, sizeof(n));
	send(&bulk, c, &n, sizeof(n));
	return 0;
}

SEC("raw_tp/sys_exit")
int on_creds(struct bpf_raw_tracepoint_args *ctx)
{
	BEGIN(PRIVILEGE)
	u32 tgid = BPF_CORE_READ(t, tgid);
	struct known is, *was = bpf_map_lookup_elem(&processes, &tgid);
	struct priv p = {};

	if (ret < 0)
		return drop(c);
	credentials(&is, BPF_CORE_READ(t, cred));
	if (!was) { /* it was there before us, and was not told of */
		bpf_map_update_elem(&processes, &tgid, &is, BPF_ANY);
		return drop(c);
	}
	p.caps_was = was->caps;
	p.uid_was = was->uid;
	p.euid_was = was->euid;
	int more = gained(was, &is), other = was->uid != is.uid || was->euid != is.euid || was->caps != is.caps;
	*was = is;
	if (!more && !(other && set.flags & SET_ALL_CREDS))
		return drop(c);
	introduce(&p.head, t);
	mark(&p.head, at, what);
	stamp(&p.head, c, PRIVILEGE, sizeof(p));
	send(&priority, c, &p, sizeof(p));
	return 0;
}

static __always_inline u32 user_text(char *to, u64 from)
{
	long got = bpf_probe_read_user_str(to, NAME, (void *)from);

	return got < 0 || got > NAME ? 0 : got;
}

/* target finds whose memory or life it is, by the number the caller used. A caller in a
 * pid namespace of its own uses other numbers: the agent translates. */
static __always_inline u32 tell(struct scratch *s, struct pt_regs *r, u32 at, u8 what)
{
	struct call *k = (struct call *)s->record;
	char *text = s->record + sizeof(*k);
	u32 n = 0, m = 0;

	switch (what) {
	case N_PTRACE:
		k->arg = arg(r, 0, at);
		k->target = arg(r, 1, at);
		break;
	case N_PVM_WRITEV:
		k->target = arg(r, 0, at);
		break;
	case N_BPF: {
		u64 attr = arg(r, 1, at);
		u32 type = 0;
		bpf_probe_read_user(&type, sizeof(type), (void *)attr);
		k->arg = type;
		bpf_probe_read_user(text, 16, (void *)(attr + 48)); /* prog_name */
		text[16] = 0;
		n = 17;
		break;
	}
	case N_MEMFD:
		n = user_text(text, arg(r, 0, at));
		k->arg = arg(r, 1, at);
		break;
	case N_UNSHARE:
		k->arg = arg(r, 0, at);
		break;
	case N_SETNS:
		k->arg = arg(r, 1, at);
		break;
	case N_MOUNT:
		n = user_text(text, arg(r, 1, at));
		if (n > NAME)
			n = NAME;
		m = user_text(text + n, arg(r, 0, at));
		k->arg = arg(r, 3, at);
		break;
	case N_MOVE_MOUNT:
		n = user_text(text, arg(r, 3, at));
		break;
	case N_INIT_MODULE:
	case N_FINIT_MODULE: {
		struct task_struct *t = current_task();
		if (what == N_FINIT_MODULE) {
			struct file *f = file_of(t, arg(r, 0, at));
			m = path_text(s, sizeof(*k), BPF_CORE_READ(f, f_path.dentry), BPF_CORE_READ(f, f_path.mnt), t);
		}
		break;
	}
	}
	if (n > NAME)
		n = NAME;
	if (m > PATHS)
		m = PATHS;
	k->name = n;
	k->source = m;
	return n + m;
}

static __always_inline int worth(u8 what, u64 first, s64 ret)
{
	switch (what) {
	case N_PTRACE: /* attach and seize; poking text, data, registers */
		return first == PTRACE_ATTACH || first == PTRACE_SEIZE || first == 4 || first == 5 || first == 13 ||
		       first == PTRACE_SETREGSET;
	case N_BPF:
		return first == BPF_PROG_LOAD_CMD;
	case N_INIT_MODULE:
	case N_FINIT_MODULE:
		return ret < 0 || !(set.flags & SET_MODULE_TP);
	case N_UNSHARE: /* CLONE_NEW* only */
		return (first & 0x7e020080) != 0;
	}
	return 1;
}

static __always_inline u32 kind_of(u8 what)
{
	switch (what) {
	case N_PTRACE: return PTRACE;
	case N_PVM_WRITEV: return MEM_WRITE;
	case N_BPF: return BPF;
	case N_MEMFD: return MEMFD;
	case N_UNSHARE:
	case N_SETNS: return NAMESPACE;
	case N_MOUNT:
	case N_MOVE_MOUNT: return MOUNT;
	}
	return MODULE;
}

SEC("raw_tp/sys_exit")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	u32 where = slot((void *)ctx->args[0]);
	if (where >= CALLS)
		return 0;
	u32 kind = kind_of(names[where]);
	BEGIN(kind)
	struct scratch *s;
	struct call *k;
	u32 n;

	if (!worth(what, arg(r, 0, at), ret))
		return drop(c);
	s = scratch();
	if (!s)
		return lose(c);
	k = (struct call *)s->record;
	__builtin_memset(k, 0, sizeof(*k));
	introduce(&k->head, t);
	mark(&k->head, at, what);
	k->result = ret > 0 ? 0 : ret;
	n = tell(s, r, at, what);
	if (what == N_UNSHARE || what == N_SETNS) { /* credentials within it are not a gain out here */
		u32 tgid = k->head.tgid;
		struct known is;
		credentials(&is, BPF_CORE_READ(t, cred));
		bpf_map_update_elem(&processes, &tgid, &is, BPF_ANY);
	}
	n += sizeof(*k);
	stamp(&k->head, c, kind, n);
	send_text(&priority, c, s, n);
	done(s);
	return 0;
}

SEC("raw_tp/module_load")
int on_module(struct bpf_raw_tracepoint_args *ctx)
{
	struct module *mod = (void *)ctx->args[0];
	struct count *c = saw(MODULE);
	struct scratch *s;
	struct call *k;
	long got;

	if (!c)
		return 0;
	if (!wanted(MODULE))
		return drop(c);
	s = scratch();
	if (!s)
		return lose(c);
	k = (struct call *)s->record;
	__builtin_memset(k, 0, sizeof(*k));
	introduce(&k->head, current_task());
	k->head.call = N_MODULE_LOAD;
	got = bpf_probe_read_kernel_str(s->record + sizeof(*k), 56, &mod->name);
	if (got < 0 || got > 56)
		got = 0;
	k->name = got;
	stamp(&k->head, c, MODULE, sizeof(*k) + got);
	send_text(&priority, c, s, sizeof(*k) + got);
	done(s);
	return 0;
}

#endif
