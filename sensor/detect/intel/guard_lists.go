package intel

import "net/netip"

// Networks that are nobody's on the internet (IANA, IPv4 and IPv6 Special-Purpose Address
// Registries). Addresses for documentation are left out: they harm nobody, and drills
// need some.
var special = []struct {
	net  netip.Prefix
	list string
	what string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "not an address", "this network, no host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private", "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "private", "shared behind carriers"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback", "the machine itself"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local", "local to one link, and where clouds answer their machines"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private", "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "not an address", "for protocols"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private", "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "private", "for benchmarks"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast", "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "not an address", "reserved, or broadcast"},
	{netip.MustParsePrefix("::/127"), "loopback", "the machine itself"},
	{netip.MustParsePrefix("64:ff9b::/96"), "not an address", "IPv4 through NAT64; the IPv4 address would be the indicator"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "private", "local translation to IPv4"},
	{netip.MustParsePrefix("100::/64"), "not an address", "discarded"},
	{netip.MustParsePrefix("fc00::/7"), "private", "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local", "local to one link"},
	{netip.MustParsePrefix("ff00::/8"), "multicast", "multicast"},
}

// Resolvers that whole companies ask. An indicator for one would fire on everybody.
var resolvers = []struct {
	addr netip.Addr
	of   string
}{
	{netip.MustParseAddr("1.1.1.1"), "Cloudflare"}, {netip.MustParseAddr("1.0.0.1"), "Cloudflare"},
	{netip.MustParseAddr("1.1.1.2"), "Cloudflare"}, {netip.MustParseAddr("1.0.0.2"), "Cloudflare"},
	{netip.MustParseAddr("1.1.1.3"), "Cloudflare"}, {netip.MustParseAddr("1.0.0.3"), "Cloudflare"},
	{netip.MustParseAddr("8.8.8.8"), "Google"}, {netip.MustParseAddr("8.8.4.4"), "Google"},
	{netip.MustParseAddr("9.9.9.9"), "Quad9"}, {netip.MustParseAddr("149.112.112.112"), "Quad9"},
	{netip.MustParseAddr("9.9.9.10"), "Quad9"}, {netip.MustParseAddr("9.9.9.11"), "Quad9"},
	{netip.MustParseAddr("208.67.222.222"), "OpenDNS"}, {netip.MustParseAddr("208.67.220.220"), "OpenDNS"},
	{netip.MustParseAddr("94.140.14.14"), "AdGuard"}, {netip.MustParseAddr("94.140.15.15"), "AdGuard"},
	{netip.MustParseAddr("4.2.2.1"), "Lumen"}, {netip.MustParseAddr("4.2.2.2"), "Lumen"},
	{netip.MustParseAddr("168.63.129.16"), "Azure's platform"},
	{netip.MustParseAddr("2606:4700:4700::1111"), "Cloudflare"}, {netip.MustParseAddr("2606:4700:4700::1001"), "Cloudflare"},
	{netip.MustParseAddr("2001:4860:4860::8888"), "Google"}, {netip.MustParseAddr("2001:4860:4860::8844"), "Google"},
	{netip.MustParseAddr("2620:fe::fe"), "Quad9"}, {netip.MustParseAddr("2620:fe::9"), "Quad9"},
	{netip.MustParseAddr("2620:119:35::35"), "OpenDNS"}, {netip.MustParseAddr("2620:119:53::53"), "OpenDNS"},
}

// Names that stay within a network (RFC 6761, 6762, 8375, 9476 and habit).
var localNames = []string{"localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "arpa", "test", "invalid", "onion"}

// What countries hand out names under.
var secondLevel = map[string]bool{
	"co": true, "com": true, "net": true, "org": true, "gov": true, "edu": true, "ac": true, "or": true, "ne": true, "go": true,
	"gob": true, "gouv": true, "govt": true, "mil": true, "nom": true, "info": true, "biz": true, "in": true, "web": true, "ltd": true,
	"plc": true, "sch": true, "school": true, "id": true, "name": true, "pp": true, "firm": true, "gen": true, "ind": true, "res": true,
}

// Sites, and names that software asks for by itself, whose refusal would be noticed by
// everybody in the building. Pages and names below them may be indicators.
var topSites = []string{
	"google.com", "googleapis.com", "gstatic.com", "google-analytics.com", "googleusercontent.com", "youtube.com", "gmail.com", "android.com",
	"microsoft.com", "windows.com", "windowsupdate.com", "office.com", "office365.com", "live.com", "outlook.com", "microsoftonline.com",
	"azure.com", "azureedge.net", "windows.net", "bing.com", "linkedin.com", "github.com", "githubusercontent.com", "githubassets.com", "ghcr.io",
	"apple.com", "icloud.com", "mzstatic.com", "amazon.com", "amazonaws.com", "cloudfront.net", "awsstatic.com",
	"facebook.com", "instagram.com", "whatsapp.com", "whatsapp.net", "fbcdn.net", "x.com", "twitter.com", "twimg.com", "tiktok.com",
	"cloudflare.com", "cloudflare.net", "cloudflare-dns.com", "akamai.net", "akamaiedge.net", "akamaized.net", "fastly.net", "fastly.com",
	"netflix.com", "yahoo.com", "wikipedia.org", "wikimedia.org", "reddit.com", "zoom.us", "slack.com", "slack-edge.com", "slack-msgs.com",
	"pagerduty.com", "okta.com", "oktacdn.com", "atlassian.com", "atlassian.net", "gitlab.com", "bitbucket.org", "salesforce.com", "dropbox.com",
	"adobe.com", "mozilla.org", "mozilla.com", "firefox.com", "debian.org", "ubuntu.com", "canonical.com", "fedoraproject.org", "redhat.com",
	"centos.org", "alpinelinux.org", "archlinux.org", "kernel.org", "docker.com", "docker.io", "quay.io", "k8s.io", "kubernetes.io", "gcr.io",
	"npmjs.org", "npmjs.com", "pypi.org", "pythonhosted.org", "golang.org", "go.dev", "rubygems.org", "crates.io", "maven.org",
	"letsencrypt.org", "lencr.org", "digicert.com", "globalsign.com", "sectigo.com", "verisign.com", "ntp.org", "pool.ntp.org",
	"root-servers.net", "gtld-servers.net", "virustotal.com", "stripe.com", "paypal.com", "shopify.com", "openai.com", "anthropic.com",
	"baidu.com", "qq.com", "taobao.com", "alibaba.com", "yandex.ru", "vk.com", "mail.ru", "samsung.com", "spotify.com", "wordpress.org",
}

var emptyHashes = map[string]bool{
	"d41d8cd98f00b204e9800998ecf8427e":                                 true,
	"da39a3ee5e6b4b0d3255bfef95601890afd80709":                         true,
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": true,
}
