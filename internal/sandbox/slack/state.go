package slack

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// obj is a JSON object on its way in or out.
type obj = map[string]any

// Bounds of what is kept in memory; the oldest goes first.
const (
	maxMessages = 20_000 // per channel
	maxNotices  = 50     // per person
	maxMembers  = 10_000
	maxKept     = 5_000 // views, triggers, response_urls, files: each
)

// channel is a public or private channel or a direct message.
type channel struct {
	id, name  string
	previous  []string
	private   bool
	im        bool
	general   bool // the workspace's first channel, which nobody is removed from
	archived  bool
	extShared bool
	creator   string
	created   int64
	topic     note
	purpose   note
	members   []string
	messages  []*message // by ts, threads and ephemerals included
	byTS      map[string]*message
	last      int64 // microseconds of the newest ts
	pins      []pin
	bookmarks []*Bookmark
	read      map[string]string // user -> ts
}

// note is a topic or a purpose.
type note struct {
	value, creator string
	set            int64
}

type pin struct {
	ts, by  string
	created int64
}

type message struct {
	ts, thread  string
	user        string
	bot         bool // written by the app
	name        string
	subtype     string
	text        string
	blocks      []any
	attachments []any
	metadata    obj
	edited      obj
	reactions   []*Reaction
	files       []string
	only        string            // ephemeral: whose eyes it is for
	extra       obj               // more fields of a subtype
	picked      map[string]values // by person: what they picked in the blocks
}

func (c *channel) has(user string) bool { return slices.Contains(c.members, user) }

// message finds by ts; ephemerals are not found.
func (c *channel) message(ts string) *message {
	m := c.byTS[ts]
	if m == nil || m.only != "" {
		return nil
	}
	return m
}

// stamp makes the next ts of the channel: unique and increasing.
func (s *Server) stamp(c *channel) string {
	t := s.clock.Now().UnixMicro()
	if t <= c.last {
		t = c.last + 1
	}
	c.last = t
	return fmt.Sprintf("%d.%06d", t/1e6, t%1e6)
}

// keep adds m to the channel and lets the oldest go.
func (c *channel) keep(m *message) {
	c.messages = append(c.messages, m)
	c.byTS[m.ts] = m
	if over := len(c.messages) - maxMessages; over > 0 {
		for _, old := range c.messages[:over] {
			delete(c.byTS, old.ts)
		}
		c.messages = slices.Delete(c.messages, 0, over)
	}
}

func (c *channel) drop(m *message) {
	delete(c.byTS, m.ts)
	c.messages = slices.DeleteFunc(c.messages, func(x *message) bool { return x == m })
	c.pins = slices.DeleteFunc(c.pins, func(p pin) bool { return p.ts == m.ts })
}

// replies counts the thread under ts and lists who wrote in it.
func (c *channel) replies(ts string) (n int, users []string, latest string) {
	for _, m := range c.messages {
		if m.thread != ts || m.ts == ts || m.only != "" {
			continue
		}
		n++
		latest = m.ts
		if !slices.Contains(users, m.user) {
			users = append(users, m.user)
		}
	}
	return n, users, latest
}

// AddUser adds a person, or changes the one with the same ID. Empty fields are made
// up: the id, a real name, an e-mail address.
func (s *Server) AddUser(u User) User {
	var out User
	s.locked(func() {
		_, known := s.users[u.ID]
		out = s.addUser(u)
		if !known {
			s.emitUser("team_join", &out)
		} else {
			s.emitUser("user_change", &out)
		}
		s.changed()
	})
	return out
}

func (s *Server) addUser(u User) User {
	if u.ID == "" {
		u.ID = s.id("U")
	}
	u.Name = strings.ToLower(or(u.Name, u.ID))
	u.RealName = or(u.RealName, u.Name)
	u.TZ = or(u.TZ, "Etc/UTC")
	if u.Email == "" && !u.Bot {
		u.Email = u.Name + "@example.com"
	}
	if _, known := s.users[u.ID]; !known {
		s.userOrder = append(s.userOrder, u.ID)
	}
	s.users[u.ID] = &u
	return u
}

// Users lists everybody, the app and Slackbot included, in order of arrival.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.userList()
}

func (s *Server) userList() []User {
	out := make([]User, 0, len(s.userOrder))
	for _, id := range s.userOrder {
		out = append(out, *s.users[id])
	}
	return out
}

// AddChannel makes a channel with these members, by id or name, and returns its id.
// It is the workspace's furniture: no event tells the app.
func (s *Server) AddChannel(name string, private bool, members ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in []string
	for _, m := range members {
		if u := s.person(m); u != nil {
			in = append(in, u.ID)
		}
	}
	creator := "USLACKBOT"
	if len(in) > 0 {
		creator = in[0]
	}
	c := s.makeChannel(name, private, creator)
	c.members, c.general = in, name == "general"
	s.changed()
	return c.id
}

func (s *Server) makeChannel(name string, private bool, creator string) *channel {
	c := &channel{
		id: s.id("C"), name: name, private: private, creator: creator,
		created: s.now(), members: []string{creator},
		byTS: map[string]*message{}, read: map[string]string{},
	}
	s.channels[c.id] = c
	s.chanOrder = append(s.chanOrder, c.id)
	return c
}

// ShareChannel marks a channel as shared with another organisation, or not.
func (s *Server) ShareChannel(channel string, external bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.place(channel); c != nil {
		c.extShared = external
		s.changed()
	}
}

// person finds by id or by name, with or without @.
func (s *Server) person(who string) *User {
	if u := s.users[who]; u != nil {
		return u
	}
	name := strings.ToLower(strings.TrimPrefix(who, "@"))
	for _, id := range s.userOrder {
		if s.users[id].Name == name {
			return s.users[id]
		}
	}
	return nil
}

// place finds by id or by name, with or without #.
func (s *Server) place(where string) *channel {
	if c := s.channels[where]; c != nil {
		return c
	}
	name := strings.TrimPrefix(where, "#")
	for _, id := range s.chanOrder {
		if c := s.channels[id]; c.name == name && !c.im {
			return c
		}
	}
	return nil
}

// now is the workspace's time in unix seconds.
func (s *Server) now() int64 { return s.clock.Now().Unix() }

// id makes an id that looks like Slack's and is unique in the workspace.
func (s *Server) id(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s0%s%04d", prefix, strings.ToUpper(random(5)), s.serial)
}

func random(n int) string { return strings.ToLower(rand.Text() + rand.Text())[:n] }

// notice tells a person what only their client says. The caller holds mu.
func (s *Server) notice(user, text string) {
	list := append(s.notices[user], text)
	s.notices[user] = list[max(0, len(list)-maxNotices):]
	s.changed()
}

func or(v, fallback string) string { return cmp.Or(v, fallback) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// clip lets the entries go that came first by born until at most maxKept are left.
func clip[V any](m map[string]V, born func(V) time.Time) {
	for len(m) >= maxKept {
		var oldest string
		for k, v := range m {
			if oldest == "" || born(v).Before(born(m[oldest])) {
				oldest = k
			}
		}
		delete(m, oldest)
	}
}

func raw(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil // cannot happen: it came from JSON
	}
	return b
}
