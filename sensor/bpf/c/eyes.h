/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * What goes from the kernel to the agent, and how every event is accounted for. The
 * records are mirrored in Go by generation; a test compares the two layouts.
 */
#ifndef TOCSIN_EYES_H
#define TOCSIN_EYES_H

#include "kernel.h"

/* sensor/event numbers the kinds; a test compares them. */
enum kind {
	EXEC = 1, EXIT, CONNECT, ACCEPT, BIND, LISTEN, DNS, FILE_, PRIVILEGE, PTRACE,
	MEM_WRITE, MODULE, BPF, MEMFD, NAMESPACE, MOUNT, KINDS,
};

/* Settings, written by the agent and read by every program. */
enum setting {
	SET_FAILED_EXEC = 1 << 0, /* also those that found no file */
	SET_READS = 1 << 1,	  /* files watched by name also when opened for reading */
	SET_EVERY_SEND = 1 << 2,  /* each datagram, not the first to an address */
	SET_V1_MEMORY = 1 << 3,	  /* containers are told by the v1 memory controller */
	SET_MODULE_TP = 1 << 4,	  /* module_load is attached: it tells of success */
	SET_ALL_CREDS = 1 << 5,	  /* also changes that give nothing more */
};

struct settings {
	u32 kinds; /* bit per kind that is wanted */
	u32 flags;
	u32 self;  /* the agent's own thread group: not watched */
	u32 pad;
};
volatile struct settings set;

/* Which program serves which call, and what it is called there. Index: the number of
 * the call; 32-bit calls start at 512. Zero: nobody looks at it. */
#define CALLS 1024
#define CALLS32 512
volatile u8 serves[CALLS];
volatile u8 names[CALLS];

enum serve { S_OPEN = 1, S_PATHS, S_EXEC, S_ACCEPT, S_CREDS, S_CALL, S_COUNT };

/* head begins every record. Times are nanoseconds since boot. */
struct head {
	u64 at, seq, start, pstart, cgroup, caps;
	u32 len, cpu, tgid, tid, ppid, uid, euid, gid, login;
	u8 kind, call;
	u16 flags;
	u8 comm[16];
};

enum flag {
	F_CUT_ARGS = 1 << 0,
	F_CUT_PATH = 1 << 1,
	F_SETUID = 1 << 2,
	F_CAPS = 1 << 3,
	F_DELETED = 1 << 4,
	F_MEMFD = 1 << 5,
	F_COMPAT = 1 << 6,  /* a 32-bit call */
	F_IO_URING = 1 << 7,
	F_UNCLEAN = 1 << 8, /* the path has dots, or is too long to look through */
	F_ANSWER = 1 << 9,
	F_TCP = 1 << 10,
	F_WRITE = 1 << 11,
	F_CREATED = 1 << 12,
	F_NO_OWNER = 1 << 13, /* who did it is no longer known to the kernel side */
};

#define PATHS 4096
#define ARGS 4096
#define ASKED 1024
#define NAME 256

/* text follows each of these: the lengths say where one part ends and the next begins */
struct exec {
	struct head head;
	u64 inode, ctime, caps_was;
	u32 uid_was, euid_was;
	s32 result;
	u32 args_len; /* of all arguments, as the program got them */
	u16 exe, asked, dir, args;
	u8 tty[16];
};

struct exit {
	struct head head;
	s32 code;
	u32 pad;
};

struct net {
	struct head head;
	u64 cookie;
	u8 local[16], remote[16];
	u16 local_port, remote_port; /* host order */
	u16 family, proto;
	s32 result;
	u32 pad;
};

#define DNS_BYTES 1024
struct dns {
	struct head head;
	u8 server[16];
	u16 port, family;
	u32 bytes;
	u8 message[DNS_BYTES];
};

struct file_op {
	struct head head;
	u64 inode;
	u32 open_flags, mode;
	s32 result;
	u16 path, to;
};

struct priv {
	struct head head;
	u64 caps_was;
	u32 uid_was, euid_was;
};

struct call {
	struct head head;
	u64 arg;
	u32 target;
	s32 result;
	u64 target_start;
	u16 name, source;
	u32 pad;
};

/* For each CPU and kind: seen = filtered + seq, and seq = delivered + lost. */
struct count {
	u64 seen, filtered, seq, lost;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, u32);
	__type(value, struct count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} priority SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} bulk SEC(".maps");

/* Where the last path in a record may begin. */
#define LAST (256 + PATHS + ASKED + ARGS)

/* What a record is put together in. Tracepoints are not interrupted by one another on
 * the kernels of today, but that is no promise: whoever finds it taken counts a loss. */
struct scratch {
	u32 busy, depth, watched, at;
	u64 dentries[64];
	u64 name[2], dentry, mnt; /* a path that is being made whole */
	s32 dirfd[2];
	u32 copied, whole, what, pad;
	char record[LAST + PATHS + NAME]; /* a fixed part, its text behind it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Before 5.12 an atomic add does not return the old value. There the programs cannot be
 * preempted in between, except those on cgroups. */
#ifdef LEGACY
static __always_inline u64 next(u64 *n)
{
	__sync_fetch_and_add(n, 1);
	return *(volatile u64 *)n;
}

static __always_inline int take(u32 *busy)
{
	if (*(volatile u32 *)busy)
		return 0;
	*(volatile u32 *)busy = 1;
	return 1;
}
#else
static __always_inline u64 next(u64 *n)
{
	return __sync_fetch_and_add(n, 1) + 1;
}

static __always_inline int take(u32 *busy)
{
	return __sync_val_compare_and_swap(busy, 0, 1) == 0;
}
#endif

#define add(n) __sync_fetch_and_add(&(n), 1)

static __always_inline struct count *saw(u32 kind)
{
	struct count *c = bpf_map_lookup_elem(&counts, &kind);
	if (c)
		add(c->seen);
	return c;
}

static __always_inline int wanted(u32 kind)
{
	return set.kinds & (1u << kind);
}

static __always_inline int drop(struct count *c)
{
	add(c->filtered);
	return 0;
}

/* lose counts an event that ought to have been sent and could not be. */
static __always_inline int lose(struct count *c)
{
	next(&c->seq);
	add(c->lost);
	return 0;
}

static __always_inline struct scratch *scratch(void)
{
	u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);
	if (!s || !take(&s->busy))
		return NULL;
	s->watched = s->copied = 0;
	return s;
}

static __always_inline void done(struct scratch *s)
{
	*(volatile u32 *)&s->busy = 0;
}

/* stamp gives a record its number, at the last moment: numbers and losses agree. */
static __always_inline void stamp(struct head *h, struct count *c, u32 kind, u32 len)
{
	h->kind = kind;
	h->len = len;
	h->cpu = bpf_get_smp_processor_id();
	h->seq = next(&c->seq);
}

/* hide keeps the compiler from using what it knows of a number: the checks that follow
 * are for the verifier, which does not know it. */
#define hide(n) asm volatile("" : "+r"(n))

/* A wake-up for each event would cost more than all the rest: the agent looks every
 * few milliseconds. */
static __always_inline void send(void *ring, struct count *c, void *rec, u64 len)
{
	if (bpf_ringbuf_output(ring, rec, len, BPF_RB_NO_WAKEUP))
		add(c->lost);
}

/* send_text sends what was put together in the scratch memory. */
static __always_inline void send_text(void *ring, struct count *c, struct scratch *s, u64 len)
{
	hide(len);
	if (len > sizeof(s->record))
		len = sizeof(struct head);
	send(ring, c, s->record, len);
}

#endif
