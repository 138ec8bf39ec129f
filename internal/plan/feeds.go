package plan

import (
	"io/fs"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Feed is one list of indicators that others publish and every host is watched for.
type Feed struct {
	Name       string // its signals are "intel/<name>"
	Kind       string // one of FeedKinds
	URL        string // https; of TAXII the API root. Empty where File is given
	File       string // inside the plan's folder
	Collection string // of TAXII, its id or alias
	Every      time.Duration
	Life       time.Duration // the longest that an indicator counts after it was read
	Confidence int           // 0 to 100, where the feed says nothing
	TLP        string        // where the feed says nothing: clear, green, amber, amber+strict, red; or ""
	Below      bool          // a domain takes in what is below it, where the feed cannot say
	Internal   bool          // it may be at an address of one's own network
	Token      string        // under which name the configuration holds its secret; "" for none
	User       string        // who asks with a password; without it the token stands alone
	Header     string        // in which the token is sent instead of Authorization
	Source     string        // file:line
}

// Ours is what is never an indicator, because it belongs to the organisation.
type Ours struct {
	Networks []netip.Prefix
	Names    []string // domains, with all below them
}

// FeedKinds are the forms in which indicators come.
var FeedKinds = []string{"taxii", "stix", "misp", "csv", "list"}

const (
	maxFeeds     = 50
	feedEvery    = time.Hour
	feedEveryMin = 5 * time.Minute // whoever publishes for everybody is not asked more often
	feedLife     = 30 * day        // addresses change hands within weeks
	feedLifeMin  = time.Hour
	feedTrust    = 50
	maxFeedURL   = 2_000
)

var (
	feedName   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)
	headerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
	ourName    = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
)

func (s *Signals) feeds(f fields) {
	list := f.items("feeds")
	if len(list) > maxFeeds {
		list[maxFeeds].wrong("", "more than %d feeds", maxFeeds)
		list = list[:maxFeeds]
	}
	seen := map[string]bool{}
	for _, v := range list {
		d, named := v.feed()
		if seen[d.Name] && d.Name != "" {
			named.wrong("each has a name of its own", "the feed %q is here twice", d.Name)
		}
		seen[d.Name] = true
		s.Feeds = append(s.Feeds, d)
	}
}

func (v value) feed() (d Feed, named value) {
	f := v.fields("name", "kind", "url", "collection", "every", "expires", "confidence", "tlp", "below", "internal", "token", "user", "header")
	d = Feed{Every: feedEvery, Life: feedLife, Confidence: feedTrust, Source: v.at.String()}
	named = v
	if n, ok := f.must("name"); ok {
		named = n
		d.Name = n.matching(feedName, "name of a feed", "lower-case letters, digits, dots and dashes, 40 at most")
		if d.Name == "people" {
			n.wrong("", "%q is where what people added stands", d.Name)
		}
	}
	if k, ok := f.must("kind"); ok {
		d.Kind = k.oneOf("kind of feed", FeedKinds...)
	}
	if u, ok := f.must("url"); ok {
		u.place(&d)
	}
	f.collection(&d)
	f.terms(&d)
	f.account(&d)
	return d, named
}

// place is where it is: somewhere else, or beside the plan.
func (v value) place(d *Feed) {
	t := v.text(maxFeedURL)
	if t == "" {
		v.wrong("", "%q says nothing", "url")
		return
	}
	if !strings.Contains(t, "://") {
		switch {
		case !fs.ValidPath(t) || t == ".":
			v.wrong("write https://host/path, or the path of a file in the plan's folder", "%q leads out of the plan's folder", t)
		case isYAML(t):
			v.wrong("name it .json, .csv or .txt", "files in YAML are the plan's own")
		case d.Kind == "taxii":
			v.wrong("write the address of its API root", "TAXII is spoken with a server")
		}
		d.File = t
		return
	}
	u, err := url.Parse(t)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		v.wrong("write https://host/path", "it is no address")
	case u.Scheme != "https":
		v.wrong("write https://host/path", "a feed is fetched by https only, or whoever is on the way writes it")
	case u.User != nil:
		v.wrong("put the secret into TOCSIN_FEED_TOKENS, and its name here as token", "no secret stands in a plan")
	case u.Fragment != "":
		v.wrong("", "an address with # is part of a page")
	case d.Kind == "taxii" && u.RawQuery != "":
		v.wrong("write the address of its API root", "an API root has no question mark")
	}
	d.URL = t
}

func (f fields) collection(d *Feed) {
	c, ok := f.get("collection")
	switch {
	case d.Kind == "taxii" && !ok:
		f.must("collection")
	case ok && d.Kind != "taxii" && d.Kind != "":
		c.wrong("", "only TAXII has collections")
	case ok:
		d.Collection = c.text(256)
		if strings.ContainsAny(d.Collection, "/\\?#%") || d.Collection == "." || d.Collection == ".." {
			c.wrong("write its id or alias", "%q is no collection", d.Collection)
		}
	}
}

// terms are how often it is read and what its indicators are worth.
func (f fields) terms(d *Feed) {
	if v, ok := f.get("every"); ok {
		if d.Every = v.duration(); d.Every > 0 && d.Every < feedEveryMin {
			v.wrong("", "a feed is read every %s at the most", feedEveryMin)
		}
	}
	if v, ok := f.get("expires"); ok {
		if d.Life = v.duration(); d.Life > 0 && d.Life < max(feedLifeMin, 4*d.Every) {
			v.wrong("", "what it lists would expire before it is read again: at least an hour, and four times \"every\"")
		}
	}
	if v, ok := f.get("confidence"); ok {
		d.Confidence = v.number(0, 100)
	}
	if v, ok := f.get("tlp"); ok {
		d.TLP = v.oneOf("TLP label", "clear", "green", "amber", "amber+strict", "red")
	}
	if v, ok := f.get("below"); ok {
		d.Below = v.truth()
	}
	if v, ok := f.get("internal"); ok {
		d.Internal = v.truth()
	}
}

// account is in whose name it is asked for.
func (f fields) account(d *Feed) {
	if v, ok := f.get("token"); ok {
		d.Token = v.word()
	}
	if v, ok := f.get("user"); ok {
		if d.User = v.name(); strings.Contains(d.User, ":") {
			v.wrong("", "a user name holds no colon (RFC 7617)")
		}
		if d.Token == "" {
			v.wrong("name its password as token", "a user needs a password")
		}
	}
	if v, ok := f.get("header"); ok {
		d.Header = v.matching(headerName, "header", "write Auth-Key or the like")
		switch {
		case d.Token == "":
			v.wrong("", "a header carries a token, and none is named")
		case d.User != "":
			v.wrong("", "a password is sent as Authorization")
		case d.Kind == "taxii":
			v.wrong("leave it out", "TAXII takes tokens as Authorization")
		}
	}
}

// ours are addresses and names that nobody is to be alarmed about, whatever a feed says.
func (s *Signals) ours(f fields) {
	for _, v := range f.items("ours") {
		t := strings.ToLower(v.name())
		if p, err := netip.ParsePrefix(t); err == nil {
			s.Ours.Networks = append(s.Ours.Networks, p.Masked())
		} else if a, err := netip.ParseAddr(t); err == nil && a.Zone() == "" {
			s.Ours.Networks = append(s.Ours.Networks, netip.PrefixFrom(a, a.BitLen()))
		} else if ourName.MatchString(t) {
			s.Ours.Names = append(s.Ours.Names, t)
		} else if t != "" {
			v.wrong("write an address, a network or a domain: 198.51.100.0/24, example.com", "%q is neither address nor name", t)
		}
	}
}
