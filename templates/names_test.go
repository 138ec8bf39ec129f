package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"Okta session theft":        "okta-session-theft",
		"  --Straße & Größe!  ":     "strasse-groesse",
		"Утечка ключей":             "utechka-klyuchey",
		"Διαρροή κωδικών":           "diarroi-kodikon",
		"Crédit: façade, don't":     "credit-facade-dont",
		"日本語":                       "",
		"":                          "",
		strings.Repeat("long ", 40): "long-long-long-long-long-long-long-long-long",
	} {
		if got := Slug(title); got != want {
			t.Errorf("Slug(%q) = %q, want %q", title, got, want)
		}
	}
}

func TestRoomNames(t *testing.T) {
	r := theft("Okta session theft", false, false)
	names := RoomNames(r.s)
	if names[0] != "inc-0042-1123-okta-session-theft" || names[1] != "inc-0042-1123-okta-session-theft-2" || len(names) != roomTries {
		t.Errorf("names: %q", names)
	}
	if got := RoomNames(theft("Okta session theft", true, true).s)[0]; got != "drill-inc-0042-1123-copper-heron" {
		t.Errorf("a confidential drill's room is %q", got)
	}
	if got := RoomNames(theft("日本語", false, false).s)[0]; got != "inc-0042-1123-identity" {
		t.Errorf("a title without letters gives %q", got)
	}
	for _, n := range RoomNames(theft(strings.Repeat("verylongword", 30), false, true).s) {
		if len(n) > maxRoomName {
			t.Errorf("%q has %d characters", n, len(n))
		}
	}
	if n := len([]rune(Topic(theft(strings.Repeat("x ", 300), false, false).s))); n > maxTopic {
		t.Errorf("topic of %d", n)
	}
}

func TestTimesAndAges(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "a moment", 30 * time.Second: "30 s", 4 * time.Minute: "4 min", 125 * time.Minute: "2 h 5 min", 2 * time.Hour: "2 h", 76 * time.Hour: "3 d 4 h", -4 * time.Minute: "4 min",
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
	// The night Berlin's clocks go back: 02:30 comes twice, and the zone says which.
	first, second := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)
	if a, b := When(first, "Europe/Berlin"), When(second, "Europe/Berlin"); a != "2026-10-25 02:30 CEST (00:30 UTC)" || b != "2026-10-25 02:30 CET (01:30 UTC)" {
		t.Errorf("%q, %q", a, b)
	}
	if got := Stamp(start); got != "2026-11-23 03:04 UTC" {
		t.Error(got)
	}
	if got := When(start, "Asia/Tokyo"); got != "2026-11-23 12:04 JST (03:04 UTC)" {
		t.Error(got)
	}
	if got := Who(incident.State{}, "U1|x>"); strings.ContainsAny(got, "<>") {
		t.Errorf("a forged id became live: %s", got)
	}
}
