package incident

import (
	"fmt"
	"time"
)

// Marking is what a lawyer asks for and nothing more: what is marked says so wherever
// it is shown, and does not leave for GitHub or the pager unless somebody waives it by
// name. Whether it is privileged is for a lawyer and a court to say.
type (
	// MarkPrivileged marks the incident, or entry Seq alone, as a communication with
	// lawyers. Off takes the marking away.
	MarkPrivileged struct {
		Seq int64 // 0: all of it
		Off bool
		Why string
	}
	// PrivilegeMarked says what is marked, or not any more.
	PrivilegeMarked struct {
		Seq int64  `json:"seq,omitempty"`
		Off bool   `json:"off,omitempty"`
		Why Sealed `json:"why,omitzero"`
	}
)

func (MarkPrivileged) command() {}
func (PrivilegeMarked) event()  {}

// Privilege is what is marked as privileged. A waiver holds until something is marked
// after it.
type Privilege struct {
	All     bool           `json:"all,omitempty"`
	By      PersonID       `json:"by,omitempty"` // of the whole incident
	At      time.Time      `json:"at,omitzero"`
	Entries map[int64]bool `json:"entries,omitempty"`
	Waived  bool           `json:"waived,omitempty"`
}

// Withheld reports whether an entry stays out of what is published.
func (p Privilege) Withheld(seq int64) bool { return !p.Waived && (p.All || p.Entries[seq]) }

func (d *deciding) markPrivileged(c MarkPrivileged) error {
	what := string(d.s.Stream)
	is := d.s.Privilege.All
	if c.Seq != 0 {
		if err := d.entry(c.Seq); err != nil {
			return err
		}
		what, is = fmt.Sprintf("Entry %d", c.Seq), d.s.Privilege.Entries[c.Seq]
	}
	if is != c.Off {
		stands := "marked already"
		if c.Off {
			stands = "not marked"
		}
		return Refuse("same", fmt.Sprintf("%s is %s.", what, stands), "")
	}
	why, err := text("reason", c.Why, MaxText)
	if err != nil {
		return err
	}
	d.emit(PrivilegeMarked{c.Seq, c.Off, Seal(why)})
	d.say(PlaceRoom, "", c.Seq == 0)
	return nil
}

// mayPublish refuses what is privileged as a whole; marked entries are left out.
func (d *deciding) mayPublish(c PublishPostMortem) (waived Sealed, err error) {
	if c.Waive == "" {
		if p := d.s.Privilege; p.All && !p.Waived {
			return waived, Refuse("privileged", fmt.Sprintf("%s is marked as privileged, so it is not published.", d.s.Stream),
				"Ask counsel. Whoever may can say `publish waive <why>`: it is recorded under their name.")
		}
		return waived, nil
	}
	if v := d.r.May(d.a.By, MayWaive, d.s); !v.Allowed {
		return waived, Refuse("not-entitled", v.Why, hintFor(MayWaive))
	}
	why, err := text("reason", c.Waive, MaxText)
	return Seal(why), err
}

func applyPrivilege(p Privilege, r Recorded, e PrivilegeMarked) Privilege {
	if e.Seq != 0 {
		p.Entries = with(p.Entries, e.Seq, func(bool) bool { return !e.Off })
	} else {
		p.All, p.By, p.At = !e.Off, r.By, r.At
	}
	p.Waived = p.Waived && e.Off
	return p
}
