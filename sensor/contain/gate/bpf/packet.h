/* Reading a packet into the one question that is asked of it: who is the peer? */
#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_IPV6 0x86DD
#define PROTO_HOPOPT 0
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_ICMPV6 58
#define PROTO_DSTOPTS 60
#define ARP_MOST 64	  /* bytes of a frame; ARP needs 42 and is padded to 60 */
#define NEIGHBOUR_MOST 256 /* bytes of IPv6 payload; discovery and MLD reports are short */

struct peer {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__be16 own_port;
	__u8 proto;
	bool v4;
	bool outward;
	bool has_ports;
	bool opening;	/* the first segment of a TCP connection */
	bool partial;	/* not all of it can be read: fragments, extension headers, no IP at all */
	bool neighbour; /* what neighbours need to find each other: ARP, ND, MLD; never routed on */
	__u8 icmp_type;
	__u8 icmp_code;
	__u32 body; /* where the payload of IP begins */
};

static __always_inline void read_ports(struct __sk_buff *skb, struct peer *p)
{
	struct {
		__be16 from, to;
		__u32 seq, ack;
		__u8 length, flags;
	} l4 = {};
	if (p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6) {
		__u8 what[2] = {};
		if (bpf_skb_load_bytes(skb, p->body, what, 2)) {
			p->partial = true;
			return;
		}
		p->icmp_type = what[0];
		p->icmp_code = what[1];
		return;
	}
	if (p->proto != PROTO_TCP && p->proto != PROTO_UDP)
		return;
	if (p->proto == PROTO_TCP ? bpf_skb_load_bytes(skb, p->body, &l4, 14) : bpf_skb_load_bytes(skb, p->body, &l4, 4)) {
		p->partial = true;
		return;
	}
	p->port = p->outward ? l4.to : l4.from;
	p->own_port = p->outward ? l4.from : l4.to;
	p->has_ports = true;
	p->opening = p->proto == PROTO_TCP && (l4.flags & 0x12) == 0x02; /* SYN without ACK */
}

static __always_inline void read_ip4(struct __sk_buff *skb, __u32 at, struct peer *p)
{
	__u8 h[20];
	p->v4 = true;
	if (bpf_skb_load_bytes(skb, at, h, sizeof(h)) || h[0] >> 4 != 4 || (h[0] & 15) < 5) {
		p->partial = true;
		return;
	}
	p->addr[10] = p->addr[11] = 0xff;
	__builtin_memcpy(p->addr + 12, p->outward ? h + 16 : h + 12, 4);
	p->proto = h[9];
	p->body = at + (h[0] & 15) * 4;
	if ((h[6] & 0x3f) || h[7]) { /* more fragments, or an offset: ports can be hidden */
		p->partial = true;
		return;
	}
	read_ports(skb, p);
}

/* read_ip6 looks past up to four extension headers for the ports, so that a blocked port
 * stays blocked behind them; nothing with extension headers is let out of an isolated host,
 * except the reports of multicast groups that discovery needs where switches snoop. */
static __always_inline void read_ip6(struct __sk_buff *skb, __u32 at, struct peer *p)
{
	__u8 h[40];
	if (bpf_skb_load_bytes(skb, at, h, sizeof(h)) || h[0] >> 4 != 6) {
		p->partial = true;
		return;
	}
	__builtin_memcpy(p->addr, p->outward ? h + 24 : h + 8, 16);
	__u8 next = h[6], hops = h[7];
	bool brief = ((h[4] << 8) | h[5]) <= NEIGHBOUR_MOST;
	bool only_hopopt = next == PROTO_HOPOPT;
	p->body = at + 40;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u8 ext[2];
		if (next != PROTO_HOPOPT && next != PROTO_ROUTING && next != PROTO_DSTOPTS && next != PROTO_FRAGMENT)
			break;
		if (i)
			only_hopopt = false;
		p->partial = true;
		if (bpf_skb_load_bytes(skb, p->body, ext, 2))
			return;
		if (next == PROTO_FRAGMENT) {
			__u8 off[2];
			if (bpf_skb_load_bytes(skb, p->body + 2, off, 2) || off[0] || off[1] & 0xf8)
				return; /* not the first: no ports */
			ext[1] = 0;
		}
		next = ext[0];
		p->body += ((__u32)ext[1] + 1) * 8;
	}
	p->proto = next;
	bool whole = !p->partial;
	read_ports(skb, p);
	if (next != PROTO_ICMPV6 || !brief)
		return;
	if (whole && hops == 255 && p->icmp_type >= 133 && p->icmp_type <= 136)
		p->neighbour = true; /* RFC 4861: 255 hops show that no router was passed */
	if (only_hopopt && hops == 1 && ((p->icmp_type >= 130 && p->icmp_type <= 132) || p->icmp_type == 143))
		p->neighbour = true; /* RFC 2710, RFC 3810 */
}

/* read_packet reads what begins with its IP header at the offset. Whatever is not IP is
 * partial, and so never let out of an isolated host. */
static __always_inline void read_packet(struct __sk_buff *skb, __u32 at, __u16 ethertype, bool outward, struct peer *p)
{
	__builtin_memset(p, 0, sizeof(*p));
	p->outward = outward;
	if (ethertype == ETH_P_IP)
		read_ip4(skb, at, p);
	else if (ethertype == ETH_P_IPV6)
		read_ip6(skb, at, p);
	else
		p->partial = true;
}

/* read_quoted reads, in a router's "too big" that came in, which conversation it is about:
 * without these the control channel hangs behind a narrow path. */
static __always_inline bool read_quoted(struct __sk_buff *skb, const struct peer *p, struct peer *about)
{
	if (p->outward || p->partial)
		return false;
	if (p->v4 && p->proto == PROTO_ICMP && p->icmp_type == 3 && p->icmp_code == 4) {
		__u8 h[24];
		if (bpf_skb_load_bytes(skb, p->body + 8, h, sizeof(h)) || h[0] != 0x45)
			return false;
		__builtin_memset(about, 0, sizeof(*about));
		about->addr[10] = about->addr[11] = 0xff;
		__builtin_memcpy(about->addr + 12, h + 16, 4);
		__builtin_memcpy(&about->own_port, h + 20, 2);
		__builtin_memcpy(&about->port, h + 22, 2);
		about->proto = h[9];
	} else if (!p->v4 && p->proto == PROTO_ICMPV6 && p->icmp_type == 2) {
		__u8 h[44];
		if (bpf_skb_load_bytes(skb, p->body + 8, h, sizeof(h)) || h[0] >> 4 != 6)
			return false;
		__builtin_memset(about, 0, sizeof(*about));
		__builtin_memcpy(about->addr, h + 24, 16);
		__builtin_memcpy(&about->own_port, h + 40, 2);
		__builtin_memcpy(&about->port, h + 42, 2);
		about->proto = h[6];
	} else {
		return false;
	}
	about->outward = true;
	return true;
}
