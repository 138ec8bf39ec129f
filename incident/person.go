package incident

// PersonID names a principal: one human with all their accounts. Four eyes compares
// these, never accounts. The plan gives ids to the people it names; anybody else is
// known by their Slack user id.
type PersonID string

// Person is a principal with the accounts that are known to be theirs.
type Person struct {
	ID        PersonID `json:"id"`
	Slack     string   `json:"slack,omitempty"`     // Slack user id
	PagerDuty string   `json:"pagerduty,omitempty"` // PagerDuty user id
	GitHub    string   `json:"github,omitempty"`    // login
	Name      Sealed   `json:"name,omitzero"`
	Email     Sealed   `json:"email,omitzero"`
	Zone      string   `json:"zone,omitempty"` // IANA
	Standing  Standing `json:"standing,omitempty"`
}

// Standing says what kind of account the person came with. The zero value is a member.
type Standing string

// Anything but a member may look at nothing and change nothing.
const (
	Member      Standing = ""
	Guest       Standing = "guest"
	Deactivated Standing = "deactivated"
	Foreign     Standing = "foreign" // of another workspace
	System      Standing = "system"  // a clock, a vendor, the engine
)

// Known reports whether the person has an identity at all.
func (p Person) Known() bool { return p.ID != "" }

// Clockwork is who asks when nobody did: a clock or the engine itself.
var Clockwork = Person{ID: "tocsin", Standing: System}

// Vendor is who asks when a vendor's webhook did and no person is known behind it.
func Vendor(name string) Person { return Person{ID: PersonID("vendor:" + name), Standing: System} }

// Part is what a person is to one incident.
type Part struct {
	Person   Person `json:"person"`
	Joined   bool   `json:"joined,omitempty"`   // a responder
	Observer bool   `json:"observer,omitempty"` // may look; is never paged
	Excluded bool   `json:"excluded,omitempty"` // insider, compromised account: sees nothing, is asked nothing
}

// Role is a duty one person holds in an incident: "commander", "scribe", …
type Role string

// Commander is the one role every incident has; the plan names the others.
const Commander Role = "commander"

// Post is who holds a role, and to whom it has been offered. Until the offer is
// accepted the holder owns the duties.
type Post struct {
	Holder  PersonID `json:"holder,omitempty"`
	Offered PersonID `json:"offered,omitempty"`
}
