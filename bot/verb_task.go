package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var taskVerb = verb{
	Name: "task", Aliases: []string{"tasks", "todo"},
	Usage:    "[list] | add <text> [@person | owner:@person] [due:<time>] | assign <n> @person | due <n> <time> | done <n> | reopen <n>",
	Summary:  "The tasks of the response.",
	Examples: []string{"task add rotate the deploy key @bob due:tomorrow 9:00", "task add ask @bob for the logs owner:@carol", "task done 3"},
	Who:      incident.MayRespond,
	Run:      runTask,
}

func runTask(ctx context.Context, a *asking, w *words) (deed, error) {
	if w.left() == 0 || w.take("list", "show") {
		return show(a.shown(templates.Tasks(a.state)))
	}
	if w.take("add", "new") {
		if w.left() == 0 {
			return open(formTask)
		}
		return addTask(ctx, a, w)
	}
	c := incident.ChangeTask{}
	ch, err := change(ctx, a, w, "task")
	if err != nil {
		return deed{}, err
	}
	c.N, c.Owner, c.Due, c.Done = ch.n, ch.owner, ch.due, ch.done
	return ask(c, ch.said)
}

func addTask(ctx context.Context, a *asking, w *words) (deed, error) {
	var c incident.AddTask
	var err error
	if c.Owner, c.Due, err = a.ownerAndDue(ctx, w); err != nil {
		return deed{}, err
	}
	if c.Text, err = a.text(ctx, w, "task", incident.MaxText); err != nil {
		return deed{}, err
	}
	if c.Text == "" {
		return deed{}, a.usage("Say what is to be done.")
	}
	due := c.Due
	return deed{Ask: []incident.Command{c}, Said: func(s incident.State) string {
		return fmt.Sprintf("Task %d is added%s.", len(s.Tasks), a.dueText(due))
	}}, nil
}

// changed is what a line changes of a task or an action item.
type changed struct {
	n     int
	owner *incident.Person
	due   *time.Time
	done  *bool
	said  string
}

// change reads assign, due, done and reopen, in either order of verb and number.
func change(ctx context.Context, a *asking, w *words, what string) (changed, error) {
	var c changed
	var err error
	op := w.peek()
	if numberText.MatchString(op) {
		if c.n, err = a.number(w, what); err != nil {
			return c, err
		}
		op = w.peek()
	}
	w.next()
	if c.n == 0 {
		if c.n, err = a.number(w, what); err != nil {
			return c, err
		}
	}
	yes, no := true, false
	switch op {
	case "assign", "owner", "give":
		p, err := a.nextPerson(ctx, w)
		if err != nil {
			return c, err
		}
		c.owner, c.said = &p, fmt.Sprintf("The %s %d belongs to %s now.", what, c.n, called(p))
	case "due", "by":
		at, ok, err := w.when(future)
		if err != nil {
			return c, err
		}
		if !ok {
			return c, a.usage("Say when it is due, as in fri, tomorrow 9:00, in 2h or 2026-11-23.")
		}
		c.due, c.said = &at, fmt.Sprintf("The %s %d is due %s.", what, c.n, echo(at, a.zone))
	case "done", "finish", "finished", "close", "complete":
		c.done, c.said = &yes, fmt.Sprintf("The %s %d is done.", what, c.n)
	case "reopen", "undo", "undone":
		c.done, c.said = &no, fmt.Sprintf("The %s %d is open again.", what, c.n)
	default:
		return c, a.usage("Say what to do: add, assign, due, done or reopen.")
	}
	return c, nil
}
