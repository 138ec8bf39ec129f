/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * System calls, seen as they return. One program looks at each; a table says which of
 * the others, if any, goes on with it. The raw tracepoint sees 32-bit calls too, which
 * the tracepoints of single calls do not.
 */
#ifndef TOCSIN_CALL_H
#define TOCSIN_CALL_H

#include "watch.h"
#include "net.h"

#define TS_COMPAT 2
#define X32 0x40000000

/* Words for the agent; sensor/bpf/calls.go has the same list, compared by a test. */
enum name {
	N_NONE, N_SETUID, N_SETGID, N_SETREUID, N_SETREGID, N_SETRESUID, N_SETRESGID, N_SETFSUID, N_SETGROUPS,
	N_CAPSET, N_PTRACE, N_PVM_WRITEV, N_BPF, N_MEMFD, N_UNSHARE, N_SETNS, N_MOUNT, N_MOVE_MOUNT, N_INIT_MODULE,
	N_FINIT_MODULE, N_MODULE_LOAD, N_PROC_MEM, N_COUNT,
};

#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
#define PTRACE_SETREGSET 0x4205
#define BPF_PROG_LOAD_CMD 5

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, S_COUNT);
	__type(key, u32);
	__type(value, u32);
} rest SEC(".maps");

static __always_inline int is_compat(struct task_struct *t)
{
	return BPF_CORE_READ(t, thread_info.status) & TS_COMPAT;
}

/* slot is where the tables have this call. */
static __always_inline u32 slot(struct pt_regs *r)
{
	u32 nr = BPF_CORE_READ(r, orig_ax) & ~X32;

	if (nr >= CALLS32)
		return 0;
	return is_compat(current_task()) ? nr + CALLS32 : nr;
}

static __always_inline u64 arg(struct pt_regs *r, int i, u32 at)
{
	if (at >= CALLS32)
		switch (i) {
		case 0: return (u32)BPF_CORE_READ(r, bx);
		case 1: return (u32)BPF_CORE_READ(r, cx);
		case 2: return (u32)BPF_CORE_READ(r, dx);
		case 3: return (u32)BPF_CORE_READ(r, si);
		default: return (u32)BPF_CORE_READ(r, di);
		}
	switch (i) {
	case 0: return BPF_CORE_READ(r, di);
	case 1: return BPF_CORE_READ(r, si);
	case 2: return BPF_CORE_READ(r, dx);
	case 3: return BPF_CORE_READ(r, r10);
	default: return BPF_CORE_READ(r, r8);
	}
}

SEC("raw_tp/sys_exit")
int sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *r = (void *)ctx->args[0];
	u32 nr = BPF_CORE_READ(r, orig_ax) & ~X32, at;
	u8 who;

	/* Most calls are nobody's: of those nothing more is read. */
	if (nr >= CALLS32 || !(serves[nr] | serves[nr + CALLS32]))
		return 0;
	at = slot(r);
	if (at >= CALLS)
		return 0;
	who = serves[at];
	if (who)
		bpf_tail_call(ctx, &rest, who);
	return 0;
}

#define BEGIN(kind)                                             \
	struct pt_regs *r = (void *)ctx->args[0];               \
	s64 ret = (s64)ctx->args[1];                            \
	u32 at = slot(r);                                       \
	struct task_struct *t = current_task();                 \
	struct count *c = at < CALLS ? saw(kind) : NULL;        \
	if (!c)                                                 \
		return 0;                                       \
	if (!wanted(kind) || BPF_CORE_READ(t, tgid) == set.self) \
		return drop(c);                                 \
	u8 what = names[at];                                    \
	(void)ret, (void)what;

static __always_inline void mark(struct head *h, u32 at, u8 what)
{
	h->call = what;
	if (at >= CALLS32)
		h->flags |= F_COMPAT;
}

#endif
