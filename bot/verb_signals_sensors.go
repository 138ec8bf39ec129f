package bot

import (
	"context"
)

var signalsSensorsVerb = verb{
	Name: "sensors", Aliases: []string{"hosts", "fleet"}, Book: bookSignals,
	Summary:  "Which hosts have a sensor, and whether they are connected.",
	Examples: []string{"sensors"},
	Anywhere: true,
	Run: func(ctx context.Context, a *asking, _ *words) (deed, error) {
		s, err := a.sensors()
		if err != nil {
			return deed{}, err
		}
		l, err := s.Sensors(ctx)
		if err != nil {
			return deed{}, err
		}
		return a.showLook(l)
	},
}
