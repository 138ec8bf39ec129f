package signals

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/detect/noise"
	"github.com/tocsin-ir/tocsin/templates"
)

// Except keeps quiet what fits, until its end. a is the envelope of whoever asked.
func (d *Desk) Except(ctx context.Context, a incident.Asked, c incident.MakeException) (incident.Exception, error) {
	rule, err := d.ruleNamed(c.Rule)
	if err != nil {
		return incident.Exception{}, err
	}
	c.Rule = rule
	a.What = c
	answer, err := d.c.Asker.Handle(ctx, incident.ExceptionsID, a)
	if err != nil {
		return incident.Exception{}, err
	}
	return d.exceptionIn(ctx, answer)
}

// EndException has what one kept quiet be heard again.
func (d *Desk) EndException(ctx context.Context, a incident.Asked, n int, why string) (incident.Exception, error) {
	a.What = incident.EndException{N: n, Why: why}
	answer, err := d.c.Asker.Handle(ctx, incident.ExceptionsID, a)
	if err != nil {
		return incident.Exception{}, err
	}
	return d.exceptionIn(ctx, answer)
}

// exceptionIn reads from the record what an answer came to.
func (d *Desk) exceptionIn(ctx context.Context, a incident.Answer) (incident.Exception, error) {
	if err := d.readExceptions(ctx); err != nil {
		return incident.Exception{}, err
	}
	if d.hosts != nil {
		d.hosts.Changed(ctx)
	}
	for seq := a.First; seq != 0 && seq <= a.Last; seq++ {
		r, err := d.c.Record.Event(ctx, incident.ExceptionsID, seq)
		if err != nil {
			return incident.Exception{}, fmt.Errorf("read line %d of the exceptions: %w", seq, err)
		}
		switch e := r.Event.(type) {
		case incident.ExceptionMade:
			return e.Exception, nil
		case incident.ExceptionEnded:
			return e.Exception, nil
		}
	}
	return incident.Exception{}, fmt.Errorf("the exceptions: nothing came of it")
}

// ruleNamed is the name under which signals of a rule come.
func (d *Desk) ruleNamed(name string) (string, error) {
	name = strings.TrimSpace(name)
	if kind, rest, ok := cut(name); ok && kind == "intel" && rest != "" {
		return name, nil
	}
	if o, ok := oddityNamed(name); ok {
		return o.full(), nil
	}
	if r, ok := d.rules.Find(strings.TrimPrefix(name, "sigma/")); ok {
		return "sigma/" + d.rules.Called(r), nil
	}
	if strings.Trim(name, "*?/") == "" || strings.ContainsAny(name, "*?") {
		return "", incident.Refuse("too-broad", "An exception names one rule: an intruder with one stolen account would silence everything.", "See `signals rules`.")
	}
	return "", incident.Refuse("no-such-rule", fmt.Sprintf("There is no rule \"%s\".", templates.Label(name, 60)), "See `signals rules`.")
}

// readExceptions has the exceptions be as the record says, with what they kept quiet so far.
func (d *Desk) readExceptions(ctx context.Context) error {
	d.mu.Lock()
	used := d.excepted.quiet.Uses()
	d.mu.Unlock()
	return d.takeExceptions(ctx, used)
}

func (d *Desk) takeExceptions(ctx context.Context, used map[string]noise.Use) error {
	s, err := d.c.Record.Load(ctx, incident.ExceptionsID)
	if err != nil {
		return fmt.Errorf("read the exceptions: %w", err)
	}
	var list []noise.Exception
	for _, x := range s.Exceptions {
		e := noise.Exception{ID: strconv.Itoa(x.N), Owner: string(x.Owner), Reason: "on the record", Expires: x.Expires,
			Rule: x.Rule, Host: x.Host.Text, Image: x.Image.Text, Program: x.Program.Text, User: x.User.Text}
		if _, err := noise.NewExceptions([]noise.Exception{e}, nil); err != nil || !x.Whole() {
			d.c.Log.Warn("an exception is not used", "exception", x.N, "error", err)
			continue
		}
		list = append(list, e)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.excepted.quiet != nil && s.Seq <= d.excepted.all.Seq {
		return nil // as it was, or somebody read it later and was faster
	}
	x, err := noise.NewExceptions(list, used)
	if err != nil {
		return fmt.Errorf("read the exceptions: %w", err)
	}
	d.excepted.quiet, d.excepted.all = x, s
	return nil
}

// recallUses reads how often exceptions were needed before this start.
func (d *Desk) recallUses(ctx context.Context) error {
	used := map[string]noise.Use{}
	if err := d.read(ctx, keptUses, &used); err != nil {
		return err
	}
	return d.takeExceptions(ctx, used)
}

// Excepted is the exception that keeps a signal quiet; "" where none does.
func (d *Desk) Excepted(s noise.Signal) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	x, quiet := d.excepted.quiet.Quiet(s, d.c.Now())
	if !quiet {
		return ""
	}
	return x.ID
}

// Exceptions lists those that hold, the next to end first.
func (d *Desk) Exceptions(ctx context.Context) (templates.Look, error) {
	if err := d.readExceptions(ctx); err != nil {
		return templates.Look{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.excepted.all
	all := slices.Clone(s.Exceptions)
	slices.SortStableFunc(all, func(a, b incident.Exception) int { return a.Expires.Compare(b.Expires) })
	l := templates.Look{Title: "exceptions", Result: counted(len(all), "exception"), Asked: 1, Answered: 1} // rows name their hosts
	for _, x := range all {
		kept := counted(int(min(d.excepted.quiet.Used(strconv.Itoa(x.N)).Times, 1<<31)), "signal") + " kept quiet"
		if !x.Whole() {
			kept = "NOT USED, because what limits it was erased"
		}
		text := fmt.Sprintf("%d (%s): %s until %s, owned by %s: %s", x.N, kept, templates.ExceptionWords(x), templates.Stamp(x.Expires), owner(s, x), x.Reason)
		l.Rows = append(l.Rows, templates.LookRow{Host: x.Host.Text, Text: text})
	}
	return l, nil
}

func owner(s incident.State, x incident.Exception) string {
	if p := s.Person(x.Owner); p.Name.Text != "" {
		return p.Name.Text
	}
	return string(x.Owner)
}
