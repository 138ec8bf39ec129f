/* The maps of the gate. They are pinned by name; ../layout.go has the same shapes in Go, and
 * a test holds the two against each other. */
#define FOREVER (~0ULL)
#define LOOPBACK 1 /* the first interface of every network namespace */
#define DEEPEST 12 /* levels of the cgroup tree at which a container is looked for */

#define SCOPE_HOST 0ULL      /* what the plan leaves open on an isolated host */
#define SCOPE_CONTROL (~0ULL) /* the control channel: open whatever is held */

enum gate_index {
	GATE_HOST,   /* until when the whole host is held */
	GATE_LEVELS, /* bit n: a container is held at depth n of the cgroup tree */
	GATE_BLOCK4, /* how many prefixes are blocked */
	GATE_BLOCK6,
	GATE_PORTS,
	GATE_LINKS, /* how many interfaces are cut */
	GATE_PROBE, /* the mark of the agent's own probe, 0 when there is none */
	GATES,
};

enum layer { LAYER_EGRESS, LAYER_INGRESS, LAYER_CONNECT, LAYER_LINK_OUT, LAYER_LINK_IN, LAYER_OPTION, LAYERS };
enum reason { REASON_NONE, REASON_HOST, REASON_CONTAINER, REASON_LINK, REASON_ADDRESS, REASON_PORT, REASONS };

struct allow_key {
	__u64 scope;
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;   /* of the peer, or of this host when inbound */
	__u8 proto;
	__u8 inbound;
	__u8 pad[4];
};

struct lpm4 {
	__u32 prefixlen;
	__u8 addr[4];
};

struct lpm6 {
	__u32 prefixlen;
	__u8 addr[16];
};

struct port_key {
	__u8 proto;
	__u8 inbound;
	__be16 port;
};

struct cut_link {
	__u64 until;
	__u64 scope; /* the cgroup whose container is behind the interface */
};

#define MAP(NAME, TYPE, KEY, VALUE, N, FLAGS)        \
	struct {                                     \
		__uint(type, TYPE);                  \
		__type(key, KEY);                    \
		__type(value, VALUE);                \
		__uint(max_entries, N);              \
		__uint(map_flags, FLAGS);            \
		__uint(pinning, LIBBPF_PIN_BY_NAME); \
	} NAME SEC(".maps")

MAP(gates, BPF_MAP_TYPE_ARRAY, __u32, __u64, GATES, 0);
MAP(allowed, BPF_MAP_TYPE_HASH, struct allow_key, __u64, 4096, BPF_F_NO_PREALLOC);
MAP(containers, BPF_MAP_TYPE_HASH, __u64, __u64, 4096, BPF_F_NO_PREALLOC);
MAP(block4, BPF_MAP_TYPE_LPM_TRIE, struct lpm4, __u64, 262144, BPF_F_NO_PREALLOC);
MAP(block6, BPF_MAP_TYPE_LPM_TRIE, struct lpm6, __u64, 262144, BPF_F_NO_PREALLOC);
MAP(ports, BPF_MAP_TYPE_HASH, struct port_key, __u64, 4096, BPF_F_NO_PREALLOC);
MAP(links, BPF_MAP_TYPE_HASH, __u32, struct cut_link, 4096, BPF_F_NO_PREALLOC);
MAP(refused, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, LAYERS *REASONS, 0);
MAP(proved, BPF_MAP_TYPE_ARRAY, __u32, __u64, LAYERS *REASONS, 0);
