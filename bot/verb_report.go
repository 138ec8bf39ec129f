package bot

import (
	"context"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var reportShowVerb = verb{
	Name: "show", Aliases: []string{"status", "draft"},
	Usage:    "[INC-0042]",
	Summary:  "The post-mortem as it stands.",
	Examples: []string{"show"},
	Book:     bookReport,
	Run: func(ctx context.Context, a *asking, _ *words) (deed, error) {
		c, err := reportCard(ctx, a)
		if err != nil {
			return deed{}, err
		}
		return show(c)
	},
}

var reportEditVerb = verb{
	Name: "edit", Aliases: []string{"write"},
	Usage:    "[<section> <text>]",
	Summary:  "Write a section. Without words, a form with all of them.",
	Examples: []string{"edit", "edit impact 40 customers could not log in for two hours"},
	Who:      incident.MayRespond, Book: bookReport,
	Run: runReportEdit,
}

func runReportEdit(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 {
		return open(formReport)
	}
	next, _ := w.next()
	section, err := a.section(next.text)
	if err != nil {
		return deed{}, err
	}
	text, err := a.text(ctx, w, "section", incident.MaxText)
	if err != nil {
		return deed{}, err
	}
	if text == "" {
		return deed{}, a.usage("Say what the section ought to read.")
	}
	return ask(incident.EditPostMortem{Section: section, Text: text}, "The section "+templates.Line(section, 60)+" is written.")
}

// section finds a section of the post-mortem by its name or a close one.
func (a *asking) section(text string) (string, error) {
	all := incident.Sections()
	t := strings.ReplaceAll(lower(text), "-", " ")
	for _, s := range all {
		if strings.ReplaceAll(lower(s), "-", " ") == t {
			return s, nil
		}
	}
	hint := "Sections: " + strings.Join(all, ", ") + "."
	if near := nearest(text, all); near != "" {
		hint = "Did you mean " + near + "? " + hint
	}
	return "", incident.Refuse("unknown-section", "A post-mortem has no section \""+templates.Label(text, 40)+"\".", hint)
}

var reportPublishVerb = verb{
	Name:     "publish",
	Usage:    "[waive <why>]",
	Summary:  "Write the issue on GitHub, or bring it up to date. What is marked as privileged stays out unless it is waived.",
	Examples: []string{"publish", "publish waive counsel agreed on Tuesday"},
	Who:      incident.MayPublish, Book: bookReport,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		c := incident.PublishPostMortem{}
		if w.take("waive") {
			var err error
			if c.Waive, err = a.text(ctx, w, "reason", incident.MaxText); err != nil {
				return deed{}, err
			}
			if c.Waive == "" {
				return deed{}, a.usage("Say why it is waived.")
			}
		}
		return ask(c, "The post-mortem is being published; the room will be told where it is.")
	},
}

var reportRemindVerb = verb{
	Name: "remind", Aliases: []string{"nudge"},
	Usage:    "",
	Summary:  "Remind whoever owns the post-mortem, now.",
	Examples: []string{"remind"},
	Who:      incident.MayRespond, Book: bookReport,
	Run: func(context.Context, *asking, *words) (deed, error) {
		return ask(incident.RemindPostMortem{}, "Reminded.")
	},
}
