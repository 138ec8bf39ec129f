package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The sections of a post-mortem that people write.
const (
	SectionSummary      = "summary"
	SectionImpact       = "impact"
	SectionRootCause    = "root-cause"
	SectionContributing = "contributing"
	SectionWorked       = "worked"
	SectionWrong        = "wrong"
	SectionLessons      = "lessons"
)

// Sections lists them in the order they are read.
func Sections() []string {
	return []string{SectionSummary, SectionImpact, SectionRootCause, SectionContributing, SectionWorked, SectionWrong, SectionLessons}
}

// ItemKinds lists what an action item can be for.
func ItemKinds() []string { return []string{"prevent", "detect", "respond", "process"} }

// draft opens the post-mortem and sets its clock and reminders.
func (d *deciding) draft(due time.Time, remind []time.Time) {
	if d.s.Report.Drafted.IsZero() {
		var owner PersonID
		if o := d.owners(); len(o) > 0 {
			owner = o[0]
		}
		d.emit(PostMortemDrafted{owner, due}) // the resolution's own message tells the room
		if owner != "" {
			d.say(PlacePerson, owner, false)
		}
	}
	if d.s.Report.Number != 0 {
		return
	}
	d.setClock(ClockPostMortem, Deadline{Due: due})
	for i, at := range remind {
		if at.After(d.a.At) && at.Before(due) {
			d.owe(Wake{ClockPostMortem, StageRemind}, fmt.Sprintf("clock/%s/%d/remind/%d", ClockPostMortem, d.s.Seq, i), RankSay, at, time.Time{})
		}
	}
}

func (d *deciding) postMortemBell() {
	if d.s.Report.Number != 0 {
		return
	}
	d.emit(Reminded{d.s.Report.Owner, "postmortem"})
	if d.s.Report.Owner != "" {
		d.say(PlacePerson, d.s.Report.Owner, true)
		return
	}
	d.say(PlaceRoom, "", false)
}

func (d *deciding) remindPostMortem() error {
	if d.s.Report.Drafted.IsZero() {
		return Refuse("no-draft", "There is no post-mortem yet.", "`resolve` drafts it.")
	}
	if d.s.Report.Number != 0 {
		return Refuse("published", "The post-mortem is published.", d.s.Report.URL)
	}
	d.postMortemBell()
	return nil
}

func (d *deciding) editPostMortem(c EditPostMortem) error {
	if !slices.Contains(Sections(), c.Section) {
		return Refuse("unknown-section", fmt.Sprintf("%q is not a section of the post-mortem.", c.Section), "Sections: "+strings.Join(Sections(), ", ")+".")
	}
	t, err := text(c.Section, c.Text, MaxText)
	if err != nil {
		return err
	}
	d.emit(PostMortemEdited{c.Section, Seal(t)})
	return nil
}

func (d *deciding) publish(c PublishPostMortem) error {
	if d.s.Status == Open {
		return Refuse("not-resolved", fmt.Sprintf("%s is not resolved yet.", d.s.Stream), "`resolve <how>` comes first.")
	}
	waived, err := d.mayPublish(c)
	if err != nil {
		return err
	}
	d.emit(PublishAsked{waived})
	d.owe(Publish{}, laneGitHub, RankAct, d.a.At, time.Time{})
	for _, it := range d.s.Items {
		d.owe(FileItem{it.N}, laneGitHub, RankSay, d.a.At, time.Time{})
	}
	return nil
}

// published tells the room once per asking; a later bringing up to date is silent.
func (d *deciding) published(c Published) error {
	r := d.s.Report
	if r.Number == c.Number && r.Repo == c.Repo && r.Trouble == c.Trouble && r.Told > r.Asked {
		return nil
	}
	d.emit(PostMortemPublished(c))
	for _, it := range d.s.Items {
		d.claimIssue(it.Number) // filed before it was known where
	}
	d.say(PlaceRoom, "", true)
	d.stopClock(ClockPostMortem, true)
	d.stopClock(ClockLate, false)
	d.dress() // its link belongs at the top of the room
	return nil
}

func (d *deciding) addItem(c AddItem) error {
	t, err := text("action item", c.Text, MaxText)
	if err != nil {
		return err
	}
	kind := c.Kind
	if kind == "" {
		kind = "prevent"
	}
	if !slices.Contains(ItemKinds(), kind) {
		return Refuse("unknown-kind", fmt.Sprintf("%q is not a kind of action item.", kind), "Kinds: "+strings.Join(ItemKinds(), ", ")+".")
	}
	if len(d.s.Items) >= MaxItems {
		return Refuse("too-many", fmt.Sprintf("An incident has at most %d action items.", MaxItems), "")
	}
	owner, err := d.ownerOf(c.Owner)
	if err != nil {
		return err
	}
	n := len(d.s.Items) + 1
	d.emit(ItemAdded{n, Seal(t), kind, owner, c.Due, c.From})
	d.say(PlaceRoom, "", false)
	d.tellOwner(owner)
	d.bringUpToDate(n)
	return nil
}

func (d *deciding) changeItem(c ChangeItem) error {
	if c.N < 1 || c.N > len(d.s.Items) {
		return Refuse("no-such-item", fmt.Sprintf("There is no action item %d.", c.N), "`/postmortem item list` shows them.")
	}
	it := d.s.Items[c.N-1]
	if c.Done != nil && *c.Done == it.Done && c.Owner == nil && c.Due == nil {
		return Refuse("same", fmt.Sprintf("Action item %d stands like that already.", c.N), "")
	}
	var owner *PersonID
	if c.Owner != nil {
		id, err := d.ownerOf(c.Owner)
		if err != nil {
			return err
		}
		owner = &id
	}
	d.emit(ItemChanged{c.N, owner, c.Due, c.Done})
	if owner != nil {
		d.tellOwner(*owner)
	}
	if d.a.Via == ViaGitHub {
		d.heardOfItem()
		return nil
	}
	d.bringUpToDate(c.N)
	return nil
}

// issueSaid takes what was done to an action item on GitHub. What stands like that
// already is refused, so that an echo leaves no line and costs no call; what changes
// is not written back, since GitHub has it.
func (d *deciding) issueSaid(c ChangeItem) error {
	if c.N < 1 || c.N > len(d.s.Items) {
		return Refuse("no-such-item", fmt.Sprintf("There is no action item %d.", c.N), "")
	}
	if err := d.believe(d.a.By, d.a.Via); err != nil {
		return err
	}
	it := d.s.Items[c.N-1]
	if c.Done != nil && *c.Done == it.Done {
		c.Done = nil
	}
	if c.Owner != nil && c.Owner.ID == it.Owner {
		c.Owner = nil
	}
	if c.Due != nil && c.Due.Equal(it.Due) {
		c.Due = nil
	}
	if c.Done == nil && c.Owner == nil && c.Due == nil {
		return Refuse("same", fmt.Sprintf("Action item %d stands like that already.", c.N), "")
	}
	return d.changeItem(c)
}

// heardOfItem tells the room, where nobody saw it happen.
func (d *deciding) heardOfItem() {
	if d.s.Live() {
		d.say(PlaceRoom, "", false)
	}
}

// bringUpToDate owes the item's issue once the post-mortem is out.
func (d *deciding) bringUpToDate(n int) {
	if d.s.Report.Number != 0 {
		d.owe(FileItem{n}, laneGitHub, RankSay, d.a.At, time.Time{})
	}
}

// itemFiled links the issue; when the last one is there, the post-mortem is brought
// up to date so that it names them all.
func (d *deciding) itemFiled(c ItemFiled) error {
	if c.N >= 1 && c.N <= len(d.s.Items) {
		d.claimIssue(c.Number)
	}
	if c.N < 1 || c.N > len(d.s.Items) || d.s.Items[c.N-1].Number == c.Number {
		return nil
	}
	d.emit(ItemIsFiled(c))
	for _, it := range d.s.Items {
		if it.Number == 0 && !d.s.Privilege.Withheld(it.Seq) {
			return nil
		}
	}
	d.owe(Publish{}, laneGitHub, RankSay, d.a.At, time.Time{})
	return nil
}

// IssueKey is the claim by which an issue on GitHub finds the stream of its action
// item. repo is owner/name; capitals do not matter there.
func IssueKey(repo string, number int) string {
	return fmt.Sprintf("gh:%s#%d", strings.ToLower(repo), number)
}

func (d *deciding) claimIssue(number int) {
	if d.s.Report.Repo != "" && number > 0 {
		d.c.Claims = append(d.c.Claims, IssueKey(d.s.Report.Repo, number))
	}
}
