// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "process.h"
#include "net.h"
#include "file.h"
#include "power.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Never read: so that these types are described in the object. Go has the same ones,
 * and tests compare the two. */
struct exec *described_exec;
struct exit *described_exit;
struct net *described_net;
struct dns *described_dns;
struct file_op *described_file;
struct priv *described_priv;
struct call *described_call;
struct {
	enum kind kind;
	enum name name;
	enum op op;
	enum serve serve;
	enum flag flag;
	enum setting setting;
} described;
