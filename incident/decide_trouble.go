package incident

import (
	"strings"
	"time"
)

// vendorSaid takes what the pager says about a page of ours.
func (d *deciding) vendorSaid(c VendorSaid) error {
	if d.s.Disbelieved(c.Who, d.a.Via) != nil {
		return d.vendorDoubted(c)
	}
	page, ours := d.pageOf(c.Vendor)
	by := c.Who
	if ours && c.Vendor.Incident != "" && d.s.Paging.Pages[page].Vendor.Incident == "" {
		// The pager's own number is known now; what it says later comes under that.
		if had := d.s.Paging.Pages[page].Vendor.Key; had != "" {
			c.Vendor.Key = had
		}
		d.emit(PagerNamed{page, c.Vendor})
		d.c.Claims = append(d.c.Claims, "pd:"+c.Vendor.Incident)
	}
	human := by.Known() && by.Standing != System
	switch c.Kind {
	case "incident.acknowledged":
		wanted := d.s.Paging.Running || d.s.Paging.Ended || ours && !d.s.Paging.Answered(page)
		if d.s.Status == Open && wanted && human { // late is better than never
			return d.vendorAcked(c, page)
		}
	case "incident.unacknowledged":
		if d.s.Status == Open && d.s.Paging.AckedBy != "" && !d.s.Paging.Running {
			d.noted(c, false)
			d.unacked(by.ID, page, "un-acknowledged in the pager")
			return nil
		}
	case "incident.escalated", "incident.reassigned", "incident.delegated":
		d.noted(c, true)
		if ours && len(c.People) > 0 {
			var ids []PersonID
			for _, p := range c.People {
				if !d.s.IsExcluded(p.ID) {
					d.meet(p)
					ids = append(ids, p.ID)
				}
			}
			d.emit(Paged{page, ids, d.s.Paging.Pages[page].Vendor})
		}
		return nil
	case "incident.resolved":
		open := d.s.Status == Open
		d.noted(c, open)
		if open {
			for _, id := range d.owners() {
				d.say(PlacePerson, id, true)
			}
		}
		return nil
	case "incident.annotated", "incident.responder.replied", "incident.status_update_published", "incident.conference_bridge.updated", "incident.priority_updated", "incident.reopened":
		d.noted(c, human && d.s.Status == Open && !d.echo(c))
		return nil
	}
	d.noted(c, false)
	return nil
}

// vendorAcked: whoever the pager paged counts; so does a known responder who took it
// there, unless they are the declarer, who was not paged by declaring.
func (d *deciding) vendorAcked(c VendorSaid, page PageID) error {
	by := c.Who
	d.meet(by)
	own, paged := d.pagedFor(by.ID)
	at, ours := d.s.Paging.Pages[page]
	if ours && at.Told {
		d.noted(c, false) // the pager repeats what it was told, perhaps late
		return nil
	}
	if !paged && ours && !at.Taken {
		own, paged = page, true // faster than the word of whom it reached
	}
	switch {
	case d.s.IsExcluded(by.ID):
		d.emit(AckIgnored{by.ID, "is excluded from this incident"})
	case !paged && by.ID == d.s.Declarer:
		d.emit(AckIgnored{by.ID, "declared it and was not paged; `ack i-have-it` takes the duty"})
	default:
		if page == "" {
			page = own
		}
		d.acked(by, page, !paged)
		return nil
	}
	d.say(PlaceRoom, "", true)
	return nil
}

// echo reports that the pager repeats what we told it ourselves.
func (d *deciding) echo(c VendorSaid) bool {
	switch c.Kind {
	case "incident.priority_updated":
		return c.Text == d.s.Severity.String()
	case "incident.conference_bridge.updated":
		return c.Text == d.s.Room.URL
	case "incident.annotated":
		return d.s.Room.URL != "" && strings.Contains(c.Text, d.s.Room.URL) || d.s.Update.Text != "" && strings.Contains(c.Text, d.s.Update.Text)
	}
	return false
}

func (d *deciding) noted(c VendorSaid, aloud bool) {
	d.meet(c.Who)
	d.emit(VendorNoted{c.Vendor, c.Kind, c.Who.ID, Seal(c.Text)})
	if aloud {
		d.say(PlaceRoom, "", c.Kind == "incident.resolved")
	}
}

func (d *deciding) pageOf(v VendorRef) (PageID, bool) {
	for id, p := range d.s.Paging.Pages {
		if v.Incident != "" && p.Vendor.Incident == v.Incident || v.Key != "" && p.Vendor.Key == v.Key {
			return id, true
		}
	}
	// A key is the id of the effect that paged: its event's number is the page.
	if rest, ok := strings.CutPrefix(v.Key, string(d.s.Stream)+"/"); ok {
		n, _, _ := strings.Cut(rest, "/")
		if _, ok := d.s.Paging.Pages[PageID(n)]; ok {
			return PageID(n), true
		}
	}
	return "", false
}

// effectFailed makes a dead letter visible: what did not happen is said where
// somebody will see it, and a page that cannot be sent steps on at once.
func (d *deciding) effectFailed(c EffectFailed) error {
	d.emit(EffectDied(c))
	switch c.Kind {
	case "say", "refresh", "dress_room", "archive_room":
		// Saying it would fail the same way; the owners hear of the first of a kind.
		if d.s.Reminded["dead/"+c.Kind].IsZero() {
			d.emit(Reminded{What: "dead/" + c.Kind})
		}
		return nil
	case "open_room":
		d.emit(RoomLost{c.Why})
		for _, id := range d.owners() {
			d.say(PlacePerson, id, true)
		}
		return nil
	}
	d.say(PlaceRoom, "", true)
	if c.Kind == "page" {
		d.pageDied(c.Effect)
	}
	return nil
}

func (d *deciding) pageDied(id EffectID) {
	for page, p := range d.s.Paging.Pages {
		if string(id) == string(d.s.Stream)+"/"+string(page)+"/1" && d.s.Paging.Running && p.To == "" && p.Rung == d.s.Paging.Rung {
			d.nextRung()
			return
		}
	}
}

// refresh owes what is shown somewhere and follows from what just became true.
func (d *deciding) refresh() {
	if len(d.c.Events) == 0 || d.s.Stream.IsRegister() || !d.s.Exists {
		return
	}
	news := false
	shown := false
	for _, e := range d.c.Events {
		switch e.Event.(type) {
		case MessagePinned, Met, EntryHidden, EntryEdited, Redacted, EffectDropped, Looked, LookBegun, LookStopped:
		case SeveritySet, Declared, Updated, WasResolved, WasReopened, WasClosed, MergedAway, Retitled, PhaseSet, RoleTaken, RoleOffered, Excluded, Joined, TaskAdded, TaskChanged, ClockBreached, Acknowledged:
			news, shown = true, true
		default:
			shown = true
		}
	}
	if shown && d.s.Room.Channel != "" && d.s.Room.Lost == "" {
		lane := "summary"
		if d.s.Messages[ViewSummary].TS == "" {
			lane = laneRoom // behind the one that posts it: two lanes would post it twice
		}
		d.owe(Refresh{View: ViewSummary}, lane, RankRefresh, d.a.At, time.Time{})
		d.merge("summary")
	}
	if !news {
		return
	}
	if d.r.Announce(d.s.Severity, d.s.Private) || d.s.Messages[ViewAnnounce].TS != "" {
		d.owe(Refresh{View: ViewAnnounce}, laneAnnounce, RankRefresh, d.a.At, time.Time{})
		d.merge("announce")
	}
	for _, id := range sortedKeys(d.s.People) {
		part := d.s.People[id]
		if (part.Joined || d.s.holdsAny(id)) && !part.Excluded && part.Person.Slack != "" {
			d.owe(Refresh{ViewHome, id}, "home/"+string(id), RankRefresh, d.a.At, time.Time{})
			d.merge("home")
		}
	}
}
