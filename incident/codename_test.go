package incident

import "testing"

func TestConfidentialIncidentsTakeThePlansCodenames(t *testing.T) {
	seen := map[string]ID{}
	for n := int64(1); n <= 12; n++ {
		id := NumberID(n)
		ch, err := Decide(State{Stream: id}, Asked{ID: "x", By: alice, Via: ViaSlack, At: begin, What: Declare{Title: "x", Severity: P3, Private: true}}, plan{})
		if err != nil {
			t.Fatal(err)
		}
		name := ch.Events[0].Event.(Declared).Codename
		if had, twice := seen[name]; twice {
			t.Errorf("%s and %s are both called %s", had, id, name)
		}
		seen[name] = id
	}
	for _, want := range []string{"Nightjar", "Kingfisher", "Nightjar 2"} {
		if seen[want] == "" {
			t.Errorf("nobody is called %s: %v", want, seen)
		}
	}
	ch, err := Decide(State{Stream: "INC-0001"}, Asked{ID: "x", By: alice, Via: ViaSlack, At: begin, What: Declare{Title: "x", Severity: P3}}, plan{})
	if err != nil || ch.Events[0].Event.(Declared).Codename != Codename("INC-0001") {
		t.Fatal(err, "an open incident spends none of them")
	}
}
