/* The gate of a host: what may pass while something is held. Every program asks the same
 * maps, so that whichever of them sees a packet, the answer is the same:
 *
 *   cgroup_skb     packets of sockets, both ways, on every interface there is or will be
 *   connect, send  an errno at once for whoever tries
 *   tc             whatever has no socket here: forwarded, of containers, AF_PACKET
 *   setsockopt     the one way round tc that an option of a socket opens
 *
 * A value in a map is the moment a hold ends, in nanoseconds since boot, or FOREVER. It is
 * compared here: a hold that ends by itself ends though nobody is alive to end it. */
#include "types.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "packet.h"

static __always_inline bool holds(__u64 until)
{
	return until == FOREVER || (until && bpf_ktime_get_boot_ns() < until);
}

static __always_inline __u64 gate(__u32 which)
{
	__u64 *v = bpf_map_lookup_elem(&gates, &which);
	return v ? *v : 0;
}

/* refuse counts what is refused and, when it is the agent's own probe, says so. */
static __noinline bool refuse(__u32 layer, __u32 reason, __u32 mark)
{
	__u32 i = layer * REASONS + reason;
	__u64 *n = bpf_map_lookup_elem(&refused, &i);
	if (n)
		*n += 1;
	if (mark && mark == (__u32)gate(GATE_PROBE)) {
		n = bpf_map_lookup_elem(&proved, &i);
		if (n)
			__sync_fetch_and_add(n, 1);
	}
	return false;
}

static __always_inline bool named(__u64 scope, const struct peer *p, __u8 inbound, __be16 port)
{
	struct allow_key k = {.scope = scope, .port = port, .proto = p->proto, .inbound = inbound};
	__builtin_memcpy(k.addr, p->addr, 16);
	__u64 *until = bpf_map_lookup_elem(&allowed, &k);
	return until && holds(*until);
}

/* open_to says whether a packet belongs to a conversation that stays open. Whom this host
 * calls may not call back, and whom it is called by may not be called: a first segment the
 * wrong way is refused, or the control channel would be a door for whoever forges its address. */
static __noinline bool open_to(__u64 scope, const struct peer *p)
{
	bool first_in = p->opening && !p->outward, first_out = p->opening && p->outward;
	if (p->partial)
		return false;
	if (!first_in && named(scope, p, 0, p->port))
		return true;
	return !first_out && named(scope, p, 1, p->own_port);
}

static __always_inline bool blocked4(const struct peer *p)
{
	struct lpm4 k = {.prefixlen = 32};
	__builtin_memcpy(k.addr, p->addr + 12, 4);
	__u64 *until = bpf_map_lookup_elem(&block4, &k);
	return until && holds(*until);
}

static __always_inline bool blocked6(const struct peer *p)
{
	struct lpm6 k = {.prefixlen = 128};
	__builtin_memcpy(k.addr, p->addr, 16);
	__u64 *until = bpf_map_lookup_elem(&block6, &k);
	return until && holds(*until);
}

static __always_inline bool blocked_port(const struct peer *p)
{
	/* Out: the port over there. In: the port here. Replies of either are refused with it. */
	struct port_key out = {.proto = p->proto, .inbound = 0, .port = p->port};
	struct port_key in = {.proto = p->proto, .inbound = 1, .port = p->own_port};
	__u64 *until = bpf_map_lookup_elem(&ports, &out);
	if (until && holds(*until))
		return true;
	until = bpf_map_lookup_elem(&ports, &in);
	return until && holds(*until);
}

/* block says why a peer may not be spoken to on the whole host, or REASON_NONE. */
static __noinline __u32 block(const struct peer *p)
{
	__u32 why = REASON_NONE;
	if (p->v4 ? gate(GATE_BLOCK4) && blocked4(p) : gate(GATE_BLOCK6) && blocked6(p))
		why = REASON_ADDRESS;
	else if (gate(GATE_PORTS) && p->has_ports && blocked_port(p))
		why = REASON_PORT;
	/* The control channel cannot be blocked, whatever was asked. */
	if (why && open_to(SCOPE_CONTROL, p))
		return REASON_NONE;
	return why;
}

static __always_inline bool kept_open(const struct peer *p)
{
	return open_to(SCOPE_CONTROL, p) || open_to(SCOPE_HOST, p);
}

static __always_inline bool isolated(struct __sk_buff *skb, const struct peer *p)
{
	struct peer about;
	if (!holds(gate(GATE_HOST)) || p->neighbour || kept_open(p))
		return false;
	return !(read_quoted(skb, p, &about) && kept_open(&about));
}

/* Containers are held by the id of their cgroup. Only the depths where one is held are
 * looked at: a bit each in GATE_LEVELS. */
#define container_held(ANCESTOR, p)                                                  \
	({                                                                           \
		bool cut = false;                                                    \
		__u64 levels = gate(GATE_LEVELS);                                    \
		if (levels) {                                                        \
			_Pragma("unroll") for (int l = 1; l <= DEEPEST; l++)         \
			{                                                            \
				if (!(levels & (1ULL << l)))                         \
					continue;                                    \
				__u64 id = ANCESTOR;                                 \
				__u64 *until = bpf_map_lookup_elem(&containers, &id); \
				if (until && holds(*until) && !open_to(id, p))       \
					cut = true;                                  \
			}                                                            \
		}                                                                    \
		cut;                                                                 \
	})

/* Packets of sockets. */

static __always_inline bool pass_socket(struct __sk_buff *skb, bool outward, __u32 layer)
{
	struct peer p;
	if (skb->ifindex == LOOPBACK)
		return true;
	read_packet(skb, 0, bpf_ntohs(skb->protocol), outward, &p);
	if (isolated(skb, &p))
		return refuse(layer, REASON_HOST, skb->mark);
	if (container_held(bpf_skb_ancestor_cgroup_id(skb, l), &p))
		return refuse(layer, REASON_CONTAINER, skb->mark);
	__u32 why = block(&p);
	return why ? refuse(layer, why, skb->mark) : true;
}

SEC("cgroup_skb/egress")
int gate_egress(struct __sk_buff *skb)
{
	return pass_socket(skb, true, LAYER_EGRESS);
}

SEC("cgroup_skb/ingress")
int gate_ingress(struct __sk_buff *skb)
{
	return pass_socket(skb, false, LAYER_INGRESS);
}

/* Whoever tries to connect or to send. */

static __always_inline bool pass_call(struct bpf_sock_addr *ctx, struct peer *p)
{
	__u32 mark = ctx->sk ? ctx->sk->mark : 0;
	p->port = (__be16)ctx->user_port;
	p->proto = ctx->protocol;
	p->has_ports = true;
	p->outward = true;
	if (holds(gate(GATE_HOST)) && !kept_open(p))
		return refuse(LAYER_CONNECT, REASON_HOST, mark);
	if (container_held(bpf_get_current_ancestor_cgroup_id(l), p))
		return refuse(LAYER_CONNECT, REASON_CONTAINER, mark);
	__u32 why = block(p);
	return why ? refuse(LAYER_CONNECT, why, mark) : true;
}

static __always_inline bool call4(struct bpf_sock_addr *ctx)
{
	struct peer p = {.v4 = true};
	__u32 to = ctx->user_ip4;
	__u8 first = (__u8)(bpf_ntohl(to) >> 24);
	if (first == 127 || !to)
		return true;
	p.addr[10] = p.addr[11] = 0xff;
	__builtin_memcpy(p.addr + 12, &to, 4);
	return pass_call(ctx, &p);
}

static __always_inline bool call6(struct bpf_sock_addr *ctx)
{
	struct peer p = {};
	__u32 a[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};
	if (!a[0] && !a[1] && !a[2] && (!a[3] || a[3] == bpf_htonl(1)))
		return true; /* :: and ::1 */
	p.v4 = !a[0] && !a[1] && a[2] == bpf_htonl(0xffff);
	if (p.v4 && (!a[3] || (__u8)(bpf_ntohl(a[3]) >> 24) == 127))
		return true;
	__builtin_memcpy(p.addr, a, 16);
	return pass_call(ctx, &p);
}

SEC("cgroup/connect4")
int gate_connect4(struct bpf_sock_addr *ctx)
{
	return call4(ctx);
}

SEC("cgroup/connect6")
int gate_connect6(struct bpf_sock_addr *ctx)
{
	return call6(ctx);
}

SEC("cgroup/sendmsg4")
int gate_sendmsg4(struct bpf_sock_addr *ctx)
{
	return call4(ctx);
}

SEC("cgroup/sendmsg6")
int gate_sendmsg6(struct bpf_sock_addr *ctx)
{
	return call6(ctx);
}

/* PACKET_QDISC_BYPASS sends frames past tc, and AF_XDP past everything: neither is to be had
 * while the host is held. A socket that had it before keeps it; Verify names those. */
#define SOL_PACKET 263
#define PACKET_QDISC_BYPASS 20
#define SOL_XDP 283
#define PAGE 4096

SEC("cgroup/setsockopt")
int gate_setsockopt(struct bpf_sockopt *ctx)
{
	bool round = (ctx->level == SOL_PACKET && ctx->optname == PACKET_QDISC_BYPASS) || ctx->level == SOL_XDP;
	if (round && holds(gate(GATE_HOST)))
		return refuse(LAYER_OPTION, REASON_HOST, 0);
	/* The kernel copies one page only; 0 says that the caller's own bytes are to be used,
	 * else every longer option would fail: Documentation/bpf/prog_cgroup_sockopt.rst. */
	if (ctx->optlen > PAGE)
		ctx->optlen = 0;
	return true;
}

/* Whatever passes an interface, with or without a socket here. */
#define TC_NEXT -1 /* TC_ACT_UNSPEC, TCX_NEXT: other programs may still refuse */
#define TC_DROP 2

static __always_inline int pass_link(struct __sk_buff *skb, __u32 at, __u16 ethertype, bool outward)
{
	__u32 layer = outward ? LAYER_LINK_OUT : LAYER_LINK_IN, ifindex = skb->ifindex;
	struct peer p;
	read_packet(skb, at, ethertype, outward, &p);
	if (ethertype == ETH_P_ARP && skb->len <= ARP_MOST)
		p.neighbour = true;
	if (isolated(skb, &p)) {
		refuse(layer, REASON_HOST, skb->mark);
		return TC_DROP;
	}
	__u32 why = block(&p);
	if (why) {
		refuse(layer, why, skb->mark);
		return TC_DROP;
	}
	struct cut_link *cut = gate(GATE_LINKS) ? bpf_map_lookup_elem(&links, &ifindex) : 0;
	if (!cut || !holds(cut->until))
		return TC_NEXT;
	/* Seen from the container behind it, in is out and the peer is at the other end. */
	read_packet(skb, at, ethertype, !outward, &p);
	if (open_to(cut->scope, &p) || p.neighbour || (ethertype == ETH_P_ARP && skb->len <= ARP_MOST))
		return TC_NEXT;
	refuse(layer, REASON_LINK, skb->mark);
	return TC_DROP;
}

/* The bytes of the frame are believed, never skb->protocol: who sends through AF_PACKET
 * writes into that what they like. */
static __always_inline int pass_frame(struct __sk_buff *skb, bool outward)
{
	__be16 type = 0;
	if (bpf_skb_load_bytes(skb, 12, &type, 2))
		type = 0;
	return pass_link(skb, 14, bpf_ntohs(type), outward);
}

static __always_inline int pass_bare(struct __sk_buff *skb, bool outward)
{
	__u8 first = 0;
	if (bpf_skb_load_bytes(skb, 0, &first, 1))
		first = 0;
	return pass_link(skb, 0, first >> 4 == 4 ? ETH_P_IP : first >> 4 == 6 ? ETH_P_IPV6 : 0, outward);
}

SEC("tc")
int gate_frame_out(struct __sk_buff *skb)
{
	return pass_frame(skb, true);
}

SEC("tc")
int gate_frame_in(struct __sk_buff *skb)
{
	return pass_frame(skb, false);
}

/* Interfaces without a link layer: tunnels. */
SEC("tc")
int gate_bare_out(struct __sk_buff *skb)
{
	return pass_bare(skb, true);
}

SEC("tc")
int gate_bare_in(struct __sk_buff *skb)
{
	return pass_bare(skb, false);
}

/* The kernel lets only programs under a licence it takes for the GPL ask for the time. */
char __license[] SEC("license") = "Dual MIT/GPL";
