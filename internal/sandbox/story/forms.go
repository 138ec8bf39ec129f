package story

import "context"

// Form is a kind of step, for documentation.
type Form struct {
	Pattern string // words as written, [optional], a|b, <what the story fills in>
	Help    string
}

// form is a kind of step. Exactly one of do and check is set: do happens once, check
// is an expectation.
type form struct {
	Form
	shape pattern
	do    func(context.Context, *Player, args) error
	check func(context.Context, *Player, args) error
	never bool // what must not be: looked for once, when all is quiet
}

// forms lists every kind of step. Where a line fits several, the first counts.
var forms = gather()

func gather() []form {
	var all []form
	for _, some := range [][]form{saying(), clicking(), filling(), seeing(), channelForms(), pagerForms(), issueForms(), attackForms(), worldForms(), oktaForms(), awsForms(), cloudflareForms(), orgForms(), hookForms()} {
		all = append(all, some...)
	}
	for i := range all {
		all[i].shape = compile(all[i].Pattern)
	}
	return all
}

// Forms lists every kind of step, in the order they are tried.
func Forms() []Form {
	out := make([]Form, len(forms))
	for i, f := range forms {
		out[i] = f.Form
	}
	return out
}

func deed(pattern, help string, do func(context.Context, *Player, args) error) form {
	return form{Form: Form{pattern, help}, do: do}
}

func expect(pattern, help string, check func(*Player, args) error) form {
	return form{Form: Form{pattern, help}, check: func(_ context.Context, p *Player, a args) error { return check(p, a) }}
}

func never(pattern, help string, check func(*Player, args) error) form {
	f := expect(pattern, help, check)
	f.never = true
	return f
}
