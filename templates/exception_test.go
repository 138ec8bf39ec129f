package templates

import (
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
)

var anException = incident.Exception{N: 3, Rule: "sigma/archive_of_secrets", Host: incident.Seal("db-*"), Program: incident.Seal("/usr/bin/tar"), Owner: "bob", By: "alice",
	Reason: incident.Seal("the nightly <!channel> backup"), Made: at(1), Expires: at(60)}

func TestWhoAnswersForAnExceptionIsTold(t *testing.T) {
	var b strings.Builder
	for name, e := range map[string]incident.Event{
		"1 made": incident.ExceptionMade{Exception: anException}, "2 ended": incident.ExceptionEnded{Exception: anException, Why: incident.Seal("the backup is gone")},
		"3 near": incident.ExceptionEnding{Exception: anException}, "4 run out": incident.ExceptionEnded{Exception: anException, Expired: true},
	} {
		for _, place := range []incident.Place{incident.PlacePerson, incident.PlaceAnnounce} {
			who := incident.PersonID("")
			if place == incident.PlacePerson {
				who = "bob"
			}
			task := incident.Task{State: incident.State{Stream: incident.ExceptionsID, Exists: true}, Event: incident.Recorded{Stream: incident.ExceptionsID, By: "alice", Event: e}}
			task.Effect = incident.Say{To: place, Person: who}
			said := spell(Said(task, place))
			if !strings.Contains(said, "archive_of_secrets on db-∗ where program=/usr/bin/tar") || strings.Contains(said, "<!channel>") {
				t.Errorf("%s: %s", name, said)
			}
			if strings.Contains(said, "signals:exceptions") {
				t.Errorf("%s says where it is kept: %s", name, said)
			}
			b.WriteString(said)
		}
	}
	if !strings.Contains(b.String(), "has run out") || !strings.Contains(b.String(), "You answer for exception 3") {
		t.Error(b.String())
	}
}
