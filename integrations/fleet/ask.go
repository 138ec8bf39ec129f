package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const askAnswer = 10 * time.Second // of a question about one host

// asked is a question under way.
type asked struct {
	rows func(*wire.Answer) // every message of the answer but what ends it
	over chan *wire.Answer  // the last one
	most int                // rows that are still taken
	once sync.Once
}

// firstID is where the ids of a conversation's questions begin: somewhere, because several replicas ask
// one host, and each takes the answers to its own.
func firstID() uint64 { return rand.Uint64N(1 << 62) }

func (a *asked) end(last *wire.Answer) { a.once.Do(func() { a.over <- last }) }

// ask asks one host; rows takes what comes, from one goroutine. The last message says whether the answer
// is whole. An error means that there is none.
func (s *session) ask(ctx context.Context, q *wire.Question, rows func(*wire.Answer)) (*wire.Answer, error) {
	a := &asked{rows: rows, over: make(chan *wire.Answer, 1), most: wire.MostRows}
	if q.GetWhat() == wire.AskTail {
		a.most = 1 << 30
	}
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.asked[id] = a
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.asked, id)
		s.mu.Unlock()
	}()
	send := &wire.Question{Id: id, What: q.GetWhat(), Subject: q.GetSubject(), Kind: q.GetKind(), FromMs: q.GetFromMs(), ToMs: q.GetToMs(), Kinds: q.GetKinds(),
		Most: q.GetMost(), Container: q.GetContainer()}
	select {
	case s.out <- &wire.Down{What: &wire.Down_Question{Question: send}}:
	case <-s.done:
		return nil, errors.New("the connection to the host broke")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case last := <-a.over:
		return last, nil
	case <-s.done:
		return nil, errors.New("the connection to the host broke")
	case <-ctx.Done():
		select {
		case s.out <- &wire.Down{What: &wire.Down_Enough{Enough: &wire.Enough{Id: id}}}:
		default:
		}
		return nil, ctx.Err()
	}
}

// answered passes an answer on. Rows that nobody asked for are dropped.
func (s *session) answered(m *wire.Answer) {
	s.mu.Lock()
	a := s.asked[m.GetId()]
	s.mu.Unlock()
	if a == nil {
		return
	}
	if over := len(m.GetRows()) - a.most; over > 0 {
		m.Rows = m.GetRows()[:a.most]
		m.LeftOut += uint64(over)
	}
	a.most -= len(m.GetRows())
	if len(m.GetRows()) > 0 || m.GetLeftOut() > 0 && !m.GetLast() {
		a.rows(m)
	}
	if m.GetLast() {
		a.end(m)
	}
}

// ask asks one host and reads its rows. An answer that is not whole is an error that says why.
func ask[T any](ctx context.Context, f *Fleet, host string, q *wire.Question) (rows []T, err error) {
	s, err := f.session(host)
	if err != nil {
		return nil, err
	}
	to, cancel := context.WithTimeout(ctx, askAnswer)
	defer cancel()
	bad := 0
	last, err := s.ask(to, q, func(m *wire.Answer) {
		for _, b := range m.GetRows() {
			var row T
			if len(b) > wire.MostRow || json.Unmarshal(b, &row) != nil {
				bad++
				continue
			}
			rows = append(rows, row)
		}
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &Silent{Host: host, Err: err}
	case last.GetTrouble() != "":
		return rows, fmt.Errorf("ask %s for %s: %s", host, q.GetWhat(), tame(last.GetTrouble()))
	case bad > 0:
		return rows, fmt.Errorf("ask %s for %s: %d rows cannot be read", host, q.GetWhat(), bad)
	}
	return rows, nil
}

// Silent is a host that is connected and did not answer.
type Silent struct {
	Host string
	Err  error
}

// Error says so.
func (s *Silent) Error() string { return fmt.Sprintf("%s does not answer: %v", s.Host, s.Err) }

// Unwrap returns why.
func (s *Silent) Unwrap() error { return s.Err }

// Part is what came from one host.
type Part struct {
	Host    string
	Rows    []json.RawMessage // of package wire, by what was asked
	Last    bool              // nothing more comes from it
	Trouble string            // in the last: why it is not whole
	LeftOut uint64            // rows that there were besides, since the part before
}

// Sum is how a question to many stands.
type Sum struct {
	Asked    int
	Answered int      // wholly
	Rows     int      // of all
	Trouble  []string // hosts whose answer is not whole
	Silent   []string // hosts that were asked and have not answered
	Away     []string // hosts that are not connected and could not be asked
}

// String is one sentence for people.
func (s Sum) String() string {
	text := fmt.Sprintf("%d of %d hosts answered", s.Answered, s.Asked+len(s.Away))
	if n := len(s.Silent); n > 0 {
		text += fmt.Sprintf(", %d have not answered", n)
	}
	if n := len(s.Away); n > 0 {
		text += fmt.Sprintf(", %d are not connected", n)
	}
	if n := len(s.Trouble); n > 0 {
		text += fmt.Sprintf(", %d answered in part", n)
	}
	return text + "."
}

// Ask asks every host that a pattern of names means (path.Match; "" is all). tell hears of each part as
// it comes, from one goroutine, with the sum so far. It returns when all have answered or the context
// ends; hosts that have not answered are named, for no row from a host that is silent means nothing.
func (f *Fleet) Ask(ctx context.Context, hosts string, q *wire.Question, tell func(Part, Sum)) (Sum, error) {
	meant, away, err := f.meant(hosts)
	if err != nil {
		return Sum{}, err
	}
	sum := Sum{Asked: len(meant), Away: away}
	parts := make(chan Part)
	done := make(chan struct{})
	defer close(done)
	put := func(p Part) {
		select {
		case parts <- p:
		case <-done:
		}
	}
	silent := map[string]bool{}
	for _, s := range meant {
		silent[s.agent.Host] = true
		go func() {
			last, err := s.ask(ctx, q, func(m *wire.Answer) {
				p := Part{Host: s.agent.Host, Rows: raw(m.GetRows())}
				if !m.GetLast() { // else it is counted below
					p.LeftOut = m.GetLeftOut()
				}
				put(p)
			})
			p := Part{Host: s.agent.Host, Last: true, Trouble: tame(last.GetTrouble()), LeftOut: last.GetLeftOut()}
			if err != nil {
				p.Trouble = err.Error()
			}
			put(p)
		}()
	}
	for len(silent) > 0 {
		select {
		case <-ctx.Done():
			for h := range silent {
				sum.Silent = append(sum.Silent, h)
			}
			slices.Sort(sum.Silent)
			return sum, nil
		case p := <-parts:
			sum.Rows += len(p.Rows)
			if p.Last {
				delete(silent, p.Host)
				switch {
				case ctx.Err() != nil && p.Trouble != "":
					sum.Silent = append(sum.Silent, p.Host)
				case p.Trouble != "":
					sum.Trouble = append(sum.Trouble, p.Host)
				default:
					sum.Answered++
				}
			}
			tell(p, sum)
		}
	}
	slices.Sort(sum.Silent)
	return sum, nil
}

func raw(rows [][]byte) []json.RawMessage {
	out := make([]json.RawMessage, 0, len(rows))
	for _, r := range rows {
		if len(r) <= wire.MostRow && json.Valid(r) {
			out = append(out, r)
		}
	}
	return out
}

// meant are the conversations of the hosts that a pattern means, and the names of those that are away.
func (f *Fleet) meant(hosts string) (talks []*session, away []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.hosts {
		ok := hosts == "" || hosts == "all" || name == hosts
		if !ok {
			if ok, err = path.Match(hosts, name); err != nil {
				return nil, nil, fmt.Errorf("%q is not a pattern of host names: * stands for any letters", hosts)
			}
		}
		switch {
		case !ok:
		case f.sessions[name] != nil:
			talks = append(talks, f.sessions[name])
		default:
			away = append(away, name)
		}
	}
	slices.SortFunc(talks, func(a, b *session) int { return compare(a.agent.Host, b.agent.Host) })
	slices.Sort(away)
	if len(talks)+len(away) == 0 && hosts != "" && hosts != "all" {
		return nil, nil, fmt.Errorf("no host is called %q", hosts)
	}
	return talks, away, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
