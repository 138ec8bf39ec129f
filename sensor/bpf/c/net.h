/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Sockets. The programs on the root cgroup see the address the kernel itself copied,
 * whichever way the call came in (32-bit, io_uring). They may be preempted, so their
 * records are made in the ring itself or on the stack.
 */
#ifndef TOCSIN_NET_H
#define TOCSIN_NET_H

#include "process.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define TCP 6
#define UDP 17
#define EINPROGRESS 115
#define DNS_PORT 53

enum { ESTABLISHED = 1, SYN_SENT = 2, CLOSED = 7, LISTENING = 10 }; /* include/net/tcp_states.h */

/* Who connected a socket, or asks for names with it: packets and outcomes arrive when
 * somebody else is running. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* cookie */
	__type(value, struct head);
} owners SEC(".maps");

struct sent_to {
	u64 cookie;
	u8 addr[16];
	u32 port, pad;
};

/* Where a socket has sent datagrams lately: the first to an address is told. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct sent_to);
	__type(value, u64);
} sent SEC(".maps");

#define LATELY (60ull * 1000000000)

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

static __always_inline void v4(u8 *to, u32 addr)
{
	__builtin_memset(to, 0, 16);
	*(u32 *)to = addr;
}

static __always_inline void v6(u8 *to, u32 a, u32 b, u32 c, u32 d)
{
	u32 *w = (u32 *)to;
	w[0] = a, w[1] = b, w[2] = c, w[3] = d;
}

static __always_inline void fill_addr(struct net *n, struct bpf_sock_addr *ctx, int v)
{
	if (v == 4)
		v4(n->remote, ctx->user_ip4);
	else
		v6(n->remote, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]);
	n->remote_port = bpf_ntohs((u16)ctx->user_port);
	n->family = v;
	n->proto = ctx->protocol;
}

/* connected allows every call: to refuse is another program's business. */
static __always_inline int connected(struct bpf_sock_addr *ctx, int v)
{
	struct count *c = saw(CONNECT);
	struct net n = {};

	if (!c)
		return 1;
	introduce(&n.head, current_task());
	n.cookie = bpf_get_socket_cookie(ctx);
	fill_addr(&n, ctx, v);
	if (n.proto == TCP || n.remote_port == DNS_PORT)
		bpf_map_update_elem(&owners, &n.cookie, &n.head, BPF_ANY);
	if (!wanted(CONNECT) || n.head.tgid == set.self) {
		drop(c);
		return 1;
	}
	n.result = n.proto == TCP ? -EINPROGRESS : 0;
	stamp(&n.head, c, CONNECT, sizeof(n));
	send(&bulk, c, &n, sizeof(n));
	return 1;
}

static __always_inline int sending(struct bpf_sock_addr *ctx, int v)
{
	struct count *c = saw(CONNECT);
	struct sent_to key = {};
	struct net n = {};
	u64 now = bpf_ktime_get_boot_ns(), *last;

	if (!c)
		return 1;
	n.cookie = key.cookie = bpf_get_socket_cookie(ctx);
	fill_addr(&n, ctx, v);
	__builtin_memcpy(key.addr, n.remote, 16);
	key.port = n.remote_port;
	last = bpf_map_lookup_elem(&sent, &key);
	if (last && now - *last < LATELY && !(set.flags & SET_EVERY_SEND)) {
		drop(c);
		return 1;
	}
	bpf_map_update_elem(&sent, &key, &now, BPF_ANY);
	introduce(&n.head, current_task());
	if (n.remote_port == DNS_PORT)
		bpf_map_update_elem(&owners, &n.cookie, &n.head, BPF_ANY);
	if (!wanted(CONNECT) || n.head.tgid == set.self) {
		drop(c);
		return 1;
	}
	stamp(&n.head, c, CONNECT, sizeof(n));
	send(&bulk, c, &n, sizeof(n));
	return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx) { return connected(ctx, 4); }

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx) { return connected(ctx, 6); }

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx) { return sending(ctx, 4); }

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx) { return sending(ctx, 6); }

/* After the bind: a port the kernel chose is known by now. */
static __always_inline int bound(struct bpf_sock *ctx, int v)
{
	struct count *c = saw(BIND);
	struct net n = {};

	if (!c)
		return 1;
	introduce(&n.head, current_task());
	if (!wanted(BIND) || n.head.tgid == set.self) {
		drop(c);
		return 1;
	}
	if (v == 4)
		v4(n.local, ctx->src_ip4);
	else
		v6(n.local, ctx->src_ip6[0], ctx->src_ip6[1], ctx->src_ip6[2], ctx->src_ip6[3]);
	n.local_port = ctx->src_port;
	n.family = v;
	n.proto = ctx->protocol;
	n.cookie = bpf_get_socket_cookie(ctx);
	stamp(&n.head, c, BIND, sizeof(n));
	send(&bulk, c, &n, sizeof(n));
	return 1;
}

SEC("cgroup/post_bind4")
int post_bind4(struct bpf_sock *ctx) { return bound(ctx, 4); }

SEC("cgroup/post_bind6")
int post_bind6(struct bpf_sock *ctx) { return bound(ctx, 6); }

static __always_inline void ends_of(struct net *n, struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == AF_INET6) {
		n->family = 6;
		BPF_CORE_READ_INTO(&n->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&n->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else {
		n->family = family == AF_INET ? 4 : 0;
		v4(n->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		v4(n->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	}
	n->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	n->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	n->proto = BPF_CORE_READ(sk, sk_protocol);
	n->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/* became tells how connecting came out, and that somebody listens. */
static __always_inline int became(struct sock *sk, int was, int is)
{
	struct net n = {};
	struct count *c;
	struct head *owner;
	u32 kind = CONNECT;

	if (BPF_CORE_READ(sk, sk_protocol) != TCP)
		return 0; /* MPTCP tells the same again of the socket above its TCP ones */
	if (was == SYN_SENT && (is == ESTABLISHED || is == CLOSED))
		;
	else if (is == LISTENING)
		kind = LISTEN;
	else
		return 0;
	c = saw(kind);
	if (!c)
		return 0;
	if (!wanted(kind))
		return drop(c);
	ends_of(&n, sk);
	if (kind == LISTEN) {
		introduce(&n.head, current_task());
		if (n.head.tgid == set.self)
			return drop(c);
		stamp(&n.head, c, LISTEN, sizeof(n));
		send(&priority, c, &n, sizeof(n));
		return 0;
	}
	owner = bpf_map_lookup_elem(&owners, &n.cookie);
	if (owner)
		n.head = *owner;
	else
		n.head.flags = F_NO_OWNER;
	if (owner && owner->tgid == set.self)
		return drop(c);
	n.head.at = bpf_ktime_get_boot_ns();
	n.result = is == ESTABLISHED ? 0 : -BPF_CORE_READ(sk, sk_err);
	if (is == CLOSED && n.result == 0)
		n.result = -125; /* given up by its owner: ECANCELED */
	stamp(&n.head, c, CONNECT, sizeof(n));
	send(&bulk, c, &n, sizeof(n));
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int state_btf(u64 *ctx) { return became((void *)ctx[0], (int)ctx[1], (int)ctx[2]); }

SEC("raw_tp/inet_sock_set_state")
int state_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return became((void *)ctx->args[0], (int)ctx->args[1], (int)ctx->args[2]);
}

/* DNS: the message as it is on the wire; the agent reads it. Over TCP the first
 * segment that carries a message. */
static __always_inline int names_in(struct __sk_buff *skb, int answer)
{
	u32 off, dst = answer ? 0 : 2, len, proto;
	u8 *p = (u8 *)(long)skb->data, *end = (u8 *)(long)skb->data_end;
	struct head *owner;
	struct count *c;
	struct dns *d;
	u64 cookie;
	u16 port;

	if (p + 20 > end)
		return 1;
	if (p[0] >> 4 == 4) {
		proto = p[9];
		off = (p[0] & 15) * 4;
		if (p[6] & 0x1f || p[7])
			return 1; /* a later fragment */
	} else {
		proto = p[6];
		off = 40;
	}
	if ((proto != UDP && proto != TCP) || bpf_skb_load_bytes(skb, off + dst, &port, 2) || port != bpf_htons(DNS_PORT))
		return 1;
	if (proto == UDP) {
		off += 8;
	} else {
		u8 words;
		if (bpf_skb_load_bytes(skb, off + 12, &words, 1))
			return 1;
		off += (words >> 4) * 4 + 2;
	}
	if (skb->len < off + 12)
		return 1; /* no message: a handshake */
	c = saw(DNS);
	if (!c)
		return 1;
	if (!wanted(DNS)) {
		drop(c);
		return 1;
	}
	d = bpf_ringbuf_reserve(&bulk, sizeof(*d), 0);
	if (!d) {
		lose(c);
		return 1;
	}
	cookie = bpf_get_socket_cookie(skb);
	owner = bpf_map_lookup_elem(&owners, &cookie);
	__builtin_memset(&d->head, 0, sizeof(d->head));
	if (owner)
		d->head = *owner;
	d->head.flags = (owner ? 0 : F_NO_OWNER) | (answer ? F_ANSWER : 0) | (proto == TCP ? F_TCP : 0);
	d->head.at = bpf_ktime_get_boot_ns();
	d->head.tid = 0;
	d->port = DNS_PORT;
	u32 v = p + 20 <= end ? p[0] >> 4 : 0;
	d->family = v;
	__builtin_memset(d->server, 0, 16);
	if (v == 4)
		bpf_skb_load_bytes(skb, answer ? 12 : 16, d->server, 4);
	else
		bpf_skb_load_bytes(skb, answer ? 8 : 24, d->server, 16);
	len = skb->len - off;
	if (len > DNS_BYTES)
		len = DNS_BYTES;
	hide(len); /* old verifiers do not see that it is one at least */
	len = ((len - 1) & (DNS_BYTES - 1)) + 1;
	if (bpf_skb_load_bytes(skb, off, d->message, len))
		len = 0;
	d->bytes = len;
	stamp(&d->head, c, DNS, sizeof(*d));
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
	return 1;
}

SEC("cgroup_skb/egress")
int dns_out(struct __sk_buff *skb) { return names_in(skb, 0); }

SEC("cgroup_skb/ingress")
int dns_in(struct __sk_buff *skb) { return names_in(skb, 1); }

#endif
