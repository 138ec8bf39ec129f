package plan

import (
	"regexp"
	"strings"

	"github.com/robfig/cron/v3"

	"github.com/tocsin-ir/tocsin/incident"
)

// Settings are what concerns the whole workspace.
type Settings struct {
	Command         string            // slash command with its slash, "/incident"
	Announce        string            // channel, "#incidents" or an id; "" for none
	SecurityLead    incident.PersonID // "" if the plan names nobody
	DefaultType     string
	DefaultSeverity incident.Severity
	Codenames       []string // for confidential incidents; empty: Tocsin's own
	PostMortem      PostMortemRepo
	PagerDuty       PagerDuty
	Sweeps          Sweeps
	EvidenceDays    int // evidence is kept so long after closing; 0: for good
	Signals         Signals
}

// PostMortemRepo is where post-mortems are published.
type PostMortemRepo struct {
	Repository string // "owner/name"; "" if they stay in the room
	Labels     []string
}

// PagerDuty says which integration keys there are and which of its incidents
// become ours.
type PagerDuty struct {
	Keys     []string // names of integration keys in the configuration
	Declares []Declares
}

// Declares is one rule: a PagerDuty incident of this service, and of this priority
// and urgency where they are given, declares an incident.
type Declares struct {
	Service  string // PagerDuty service id
	Priority string // name, "P1"; "" for any
	Urgency  string // high, low; "" for any
	Severity incident.Severity
	Type     string
	Source   string // file:line
}

// Sweeps are cron expressions (five fields, or @daily and the like) in Zone; "" for never.
type Sweeps struct {
	Zone      string // IANA
	Reminders string // each person's own digest of what they owe
	OnCall    string // who is on call is looked up and kept
	Overdue   string // action items past their date
	Stale     string // rooms nobody has spoken in
}

// Declare is what a PagerDuty incident becomes. The first rule that fits decides;
// ok is false where none does.
func (p PagerDuty) Declare(service, priority, urgency string) (d Declares, ok bool) {
	fits := func(want, is string) bool { return want == "" || strings.EqualFold(want, is) }
	for _, d := range p.Declares {
		if strings.EqualFold(d.Service, service) && fits(d.Priority, priority) && fits(d.Urgency, urgency) {
			return d, true
		}
	}
	return Declares{}, false
}

var (
	slashCommand = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`) // Slack's manifest: 32 characters with the slash
	channelName  = regexp.MustCompile(`^(#?[\p{Ll}\p{Lo}\p{N}_-]{1,80}|[CG][A-Z0-9]{2,30})$`)
	repository   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
)

func (r *reading) settings() {
	top, ok := r.top(settingsFile)
	if !ok {
		return
	}
	f := top.fields("command", "announce", "security_lead", "default_type", "default_severity", "codenames", "postmortem", "pagerduty", "sweeps", "evidence", "signals")
	s := &r.plan.settings
	s.Command = "/incident"
	if v, there := f.get("command"); there {
		s.Command = v.matching(slashCommand, "slash command", "write it with its slash, lower case, 32 characters at most: /incident")
	}
	if v, there := f.get("announce"); there {
		s.Announce = v.matching(channelName, "channel", `write "#incidents", in quotes`)
	}
	if v, there := f.get("security_lead"); there {
		who, _ := r.personNamed(v)
		s.SecurityLead = who.ID
	}
	if v, there := f.must("default_type"); there {
		s.DefaultType = r.kindNamed(v)
	}
	if v, there := f.must("default_severity"); there {
		s.DefaultSeverity = v.severity()
	}
	s.Codenames = f.names("codenames")
	s.Signals = Signals{Thresholds: unlessSaid(), Type: s.DefaultType, Baseline: usuallyLearned()}
	if v, there := f.get("signals"); there {
		r.signals(v)
	}
	if v, there := f.get("postmortem"); there {
		pf := v.fields("repository", "labels")
		if repo, given := pf.get("repository"); given {
			s.PostMortem.Repository = repo.matching(repository, "repository", "write owner/name")
		}
		s.PostMortem.Labels = pf.names("labels")
	}
	if v, there := f.get("pagerduty"); there {
		r.pagerDuty(v)
	}
	if v, there := f.get("sweeps"); there {
		s.Sweeps = v.sweeps()
	}
	if v, there := f.get("evidence"); there {
		if days, given := v.fields("retention_days").get("retention_days"); given {
			s.EvidenceDays = days.number(1, 36_500)
		}
	}
}

func (r *reading) pagerDuty(v value) {
	f := v.fields("keys", "declare")
	pd := &r.plan.settings.PagerDuty
	for _, k := range f.items("keys") {
		if name := k.word(); name != "" {
			pd.Keys = append(pd.Keys, name)
		}
	}
	for _, v := range f.items("declare") {
		df := v.fields("service", "priority", "urgency", "severity", "type")
		d := Declares{Service: df.needText("service", 40), Priority: df.text("priority", 40), Source: v.at.String(), Type: r.plan.settings.DefaultType}
		if u, ok := df.get("urgency"); ok {
			d.Urgency = u.oneOf("urgency", "high", "low")
		}
		if s, ok := df.must("severity"); ok {
			d.Severity = s.severity()
		}
		if t, ok := df.get("type"); ok {
			d.Type = r.kindNamed(t)
		}
		pd.Declares = append(pd.Declares, d)
	}
}

func (v value) sweeps() Sweeps {
	f := v.fields("zone", "reminders", "oncall", "overdue", "stale")
	s := Sweeps{Zone: "UTC"}
	if z, ok := f.get("zone"); ok {
		s.Zone = z.zone()
	}
	for key, to := range map[string]*string{"reminders": &s.Reminders, "oncall": &s.OnCall, "overdue": &s.Overdue, "stale": &s.Stale} {
		if c, ok := f.get(key); ok {
			*to = c.cron()
		}
	}
	return s
}

func (v value) cron() string {
	t := v.name()
	if t == "" || t == "off" {
		return ""
	}
	const hint = `write five fields in quotes, "0 9 * * 1-5", or @hourly, @daily, @weekly`
	// The zone is a key of its own; cron/v3 panics on a "TZ=" without a schedule.
	if strings.Contains(t, "TZ=") || strings.HasPrefix(t, "@every") {
		v.wrong(hint, "%q is no schedule here", t)
		return ""
	}
	if _, err := cron.ParseStandard(t); err != nil {
		v.wrong(hint, "%q is no schedule (%s)", t, err)
		return ""
	}
	return t
}

func (v value) matching(pattern *regexp.Regexp, what, hint string) string {
	t := v.name()
	if t != "" && !pattern.MatchString(t) {
		v.wrong(hint, "%q is no %s", t, what)
		return ""
	}
	return t
}

func (f fields) names(key string) []string {
	var out []string
	for _, v := range f.items(key) {
		if t := v.text(50); t != "" {
			out = append(out, t)
		}
	}
	return out
}
