package incident

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// A stored thing is {kind, v, data}. The tables below list every kind with its
// version and decoder; a test fails for a type that is missing. To change a shape,
// raise the version and add a decoder that lifts the old bytes; stored bytes never change.

type shape struct {
	kind   string
	v      int
	decode func(v int, data []byte) (any, error)
}

// of is a shape whose later versions only added fields: what an older one lacks is zero.
func of[T any](kind string, newest int) shape {
	return shape{kind, newest, func(v int, data []byte) (any, error) {
		if v < 1 || v > newest {
			return nil, fmt.Errorf("%s: version %d is newer than this program", kind, v)
		}
		var t T
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		return t, nil
	}}
}

type book struct {
	byKind map[string]shape
	byType map[reflect.Type]shape
}

func bind(what []struct {
	t reflect.Type
	s shape
}) book {
	b := book{map[string]shape{}, map[reflect.Type]shape{}}
	for _, e := range what {
		if _, twice := b.byKind[e.s.kind]; twice {
			panic("incident: kind listed twice: " + e.s.kind)
		}
		b.byKind[e.s.kind], b.byType[e.t] = e.s, e.s
	}
	return b
}

type entry = struct {
	t reflect.Type
	s shape
}

func kind[T any](name string) entry { return since[T](name, 1) }

// since is a kind that has come to its nth version.
func since[T any](name string, n int) entry { return entry{reflect.TypeFor[T](), of[T](name, n)} }

var eventBook = bind([]entry{
	kind[Declared]("declared"), kind[Met]("met"), kind[Excluded]("excluded"),
	kind[RoomOpened]("room_opened"), kind[Intruded]("intruded"), kind[RoomLost]("room_lost"), kind[RoomWanted]("room_wanted"), kind[MessagePinned]("message_pinned"),
	kind[SeveritySet]("severity_set"), kind[Retitled]("retitled"), kind[TypeSet]("type_set"),
	kind[Scoped]("scoped"), kind[TimeSet]("time_set"),
	kind[RoleTaken]("role_taken"), kind[RoleOffered]("role_offered"), kind[RoleDeclined]("role_declined"),
	kind[Joined]("joined"),
	kind[LadderStarted]("ladder_started"), since[RungFired]("rung_fired", 2), kind[RungSkipped]("rung_skipped"),
	kind[Paged]("paged"), kind[PagerNamed]("pager_named"), kind[PageTrouble]("page_trouble"), kind[LadderEnded]("ladder_ended"),
	kind[LadderStopped]("ladder_stopped"), kind[Acknowledged]("acknowledged"), kind[AckIgnored]("ack_ignored"),
	kind[Unacknowledged]("unacknowledged"), kind[VendorNoted]("vendor_noted"),
	kind[ClockSet]("clock_set"), kind[ClockStopped]("clock_stopped"), kind[ClockWarned]("clock_warned"),
	kind[ClockBreached]("clock_breached"), kind[AskedAgain]("asked_again"),
	kind[Updated]("updated"), kind[Noted]("noted"), kind[Kept]("kept"),
	kind[TaskAdded]("task_added"), kind[TaskChanged]("task_changed"), kind[PhaseSet]("phase_set"),
	kind[EntryEdited]("entry_edited"), kind[EntryHidden]("entry_hidden"), kind[Redacted]("redacted"),
	kind[MergeAsked]("merge_asked"), kind[MergedAway]("merged_away"), kind[TookMerged]("took_merged"), kind[LinkedTo]("linked_to"),
	kind[WasResolved]("resolved"), kind[WasReopened]("reopened"), kind[WasClosed]("closed"),
	kind[ItemAdded]("item_added"), kind[ItemChanged]("item_changed"), kind[ItemIsFiled]("item_filed"),
	kind[PostMortemDrafted]("postmortem_drafted"), kind[PostMortemEdited]("postmortem_edited"),
	since[PublishAsked]("publish_asked", 2), kind[PostMortemPublished]("postmortem_published"),
	kind[Reminded]("reminded"), kind[EffectDied]("effect_died"), kind[EffectDropped]("effect_dropped"),
	kind[PlanAdopted]("plan_adopted"), kind[SecretSeen]("secret_seen"),
	kind[Distrusted]("distrusted"), kind[TrustAsked]("trust_asked"), kind[Trusted]("trusted"), kind[PrivilegeMarked]("privilege_marked"),
	kind[DrillBegun]("drill_begun"), kind[Injected]("injected"), kind[DrillEnded]("drill_ended"), kind[DrillScored]("drill_scored"), kind[DrillYielded]("drill_yielded"),
	kind[PostMortemEscalated]("postmortem_escalated"), kind[CardPosted]("card_posted"),
	kind[HoldPlaced]("hold_placed"), kind[HoldEnforced]("hold_enforced"), kind[HoldEnding]("hold_ending"), kind[HoldEnded]("hold_ended"),
	kind[HoldTroubled]("hold_troubled"), kind[HoldPreserved]("hold_preserved"), kind[Frozen]("frozen"),
	kind[ActionRequested]("action_requested"), kind[ActionPlanned]("action_planned"), kind[ActionNotPlanned]("action_not_planned"), kind[ActionReplanned]("action_replanned"),
	kind[ActionApproved]("action_approved"), kind[ApprovalRefused]("approval_refused"), kind[ActionDenied]("action_denied"), kind[ApproversAsked]("approvers_asked"),
	kind[ActionExpired]("action_expired"), kind[ActionStarted]("action_started"), kind[TargetMarked]("target_marked"), since[ActionTroubled]("action_troubled", 2),
	kind[ActionEnded]("action_ended"), kind[EvidenceKept]("evidence_kept"), kind[EvidenceWaived]("evidence_waived"),
	kind[ActionsFrozen]("actions_frozen"), kind[ActionsResumed]("actions_resumed"), kind[ReleaseAsked]("release_asked"),
	kind[HoldExtended]("hold_extended"), kind[HoldRanOut]("hold_ran_out"), kind[HoldKept]("hold_kept"), kind[HoldShared]("hold_shared"), kind[GlassReviewed]("glass_reviewed"),
	kind[RosterAdded]("roster_added"), kind[RosterSettled]("roster_settled"),
	kind[LegalHoldSet]("legal_hold_set"), kind[LegalHoldLiftAsked]("legal_hold_lift_asked"), kind[LegalHoldLifted]("legal_hold_lifted"),
	kind[EvidenceExported]("evidence_exported"), kind[EvidenceErased]("evidence_erased"),
	kind[SignalSeen]("signal_seen"), since[SignalGrew]("signal_grew", 2), kind[SignalsJudged]("signals_judged"),
	kind[ExceptionMade]("exception_made"), kind[ExceptionEnding]("exception_ending"), kind[ExceptionEnded]("exception_ended"),
	since[LookBegun]("look_begun", 2), kind[LookStopped]("look_stopped"), since[LookEnded]("look_ended", 2), since[Looked]("looked", 2),
})

var effectBook = bind([]entry{
	kind[OpenRoom]("open_room"), kind[DressRoom]("dress_room"), kind[Invite]("invite"), kind[Remove]("remove"),
	kind[Say]("say"), kind[Refresh]("refresh"), kind[Page]("page"), kind[TellPager]("tell_pager"),
	kind[Wake]("wake"), kind[Publish]("publish"), kind[FileItem]("file_item"),
	kind[ArchiveRoom]("archive_room"), kind[Tell]("tell"),
	kind[Restate]("restate"), kind[PlanAction]("plan_action"), kind[Enforce]("enforce"), kind[Release]("release"), kind[Prolong]("prolong"), kind[ScoreDrill]("score_drill"), kind[ShowChart]("show_chart"), kind[CallOffDrills]("call_off_drills"), kind[DestroyContents]("destroy_contents"),
})

// Only commands that one stream tells another are stored.
var commandBook = bind([]entry{
	kind[TakeMerged]("take_merged"), kind[TakeRelated]("take_related"), kind[MergeTaken]("merge_taken"),
	kind[PlaceHold]("place_hold"), kind[EndHold]("end_hold"), kind[Freeze]("freeze"),
	kind[TargetSettled]("target_settled"), kind[TargetTroubled]("target_troubled"), kind[TargetShared]("target_shared"), kind[EvidenceIsKept]("evidence_is_kept"),
})

func (b book) encode(what string, v any) (kind string, ver int, data []byte, err error) {
	s, ok := b.byType[reflect.TypeOf(v)]
	if !ok {
		return "", 0, nil, fmt.Errorf("encode %s %T: not listed", what, v)
	}
	data, err = json.Marshal(v)
	if err != nil {
		return "", 0, nil, fmt.Errorf("encode %s %s: %w", what, s.kind, err)
	}
	return s.kind, s.v, data, nil
}

func (b book) decode(what, kind string, v int, data []byte) (any, error) {
	s, ok := b.byKind[kind]
	if !ok {
		return nil, fmt.Errorf("decode %s: kind %q is unknown to this program; was the data written by a newer one?", what, kind)
	}
	got, err := s.decode(v, data)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", what, err)
	}
	return got, nil
}

// EncodeEvent gives an event's kind, version and JSON. Sealed texts appear by Ref only.
func EncodeEvent(e Event) (kind string, v int, data []byte, err error) {
	return eventBook.encode("event", e)
}

// DecodeEvent reads what EncodeEvent wrote, of any version ever written. Sealed
// texts are not filled; see EachSealed.
func DecodeEvent(kind string, v int, data []byte) (Event, error) {
	got, err := eventBook.decode("event", kind, v, data)
	if err != nil {
		return nil, err
	}
	return got.(Event), nil
}

// KindOf is the stored kind of an event or effect, "" for anything else.
func KindOf(v any) string {
	if s, ok := eventBook.byType[reflect.TypeOf(v)]; ok {
		return s.kind
	}
	return effectBook.byType[reflect.TypeOf(v)].kind
}

// EncodeEffect gives an effect's kind and JSON.
func EncodeEffect(e Effect) (kind string, data []byte, err error) {
	kind, _, data, err = effectBook.encode("effect", e)
	return kind, data, err
}

// DecodeEffect reads what EncodeEffect wrote.
func DecodeEffect(kind string, data []byte) (Effect, error) {
	got, err := effectBook.decode("effect", kind, 1, data)
	if err != nil {
		return nil, err
	}
	return got.(Effect), nil
}

type told struct {
	Stream ID              `json:"stream"`
	Kind   string          `json:"kind"`
	Data   json.RawMessage `json:"data"`
}

// MarshalJSON writes the command by its listed kind.
func (t Tell) MarshalJSON() ([]byte, error) {
	k, _, data, err := commandBook.encode("command", t.Command)
	if err != nil {
		return nil, err
	}
	return json.Marshal(told{t.Stream, k, data})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Tell) UnmarshalJSON(b []byte) error {
	var w told
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	c, err := commandBook.decode("command", w.Kind, 1, w.Data)
	if err != nil {
		return err
	}
	t.Stream, t.Command = w.Stream, c.(Command)
	return nil
}
