package templates

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-analyze/charts"

	"github.com/tocsin-ir/tocsin/incident"
)

// Sizes of a chart, in pixels.
const (
	chartWide   = 1000
	chartHead   = 110
	chartPerRow = 34
	chartLabel  = 44 // runes of an action's name
)

var errNothingToDraw = errors.New("nothing to draw")

// ScoreChart draws, as a PNG, how long each action took from the inject it answers,
// and what was left of the time it had. Missed actions fill theirs in red.
func ScoreChart(s incident.DrillScore) ([]byte, error) {
	var names []string
	var inTime, late, missed, left []float64
	for _, l := range s.Lines {
		took, had := minutes(l.At-l.From), minutes(l.Due-l.From)
		row := [4]float64{}
		switch l.Result {
		case incident.DrillDone:
			row[0], row[3] = took, had-took
		case incident.DrillLate:
			row[1] = took
		case incident.DrillMissed:
			row[2] = had
		default:
			continue
		}
		names = append(names, Label(l.Do, chartLabel))
		inTime, late, missed, left = append(inTime, row[0]), append(late, row[1]), append(missed, row[2]), append(left, row[3])
	}
	if len(names) == 0 {
		return nil, errNothingToDraw
	}
	for _, rows := range [][]float64{inTime, late, missed, left} {
		slices.Reverse(rows) // the axis begins at the bottom
	}
	slices.Reverse(names)
	return drawBars(fmt.Sprintf("DRILL: %s", Label(s.Title, 80)), fmt.Sprintf("%d of %d points; minutes after the inject", s.Points, s.Of),
		names, []string{"in time", "late", "missed", "time left"}, [][]float64{inTime, late, missed, left})
}

func minutes(d time.Duration) float64 { return max(0, d.Round(time.Second).Minutes()) }

func drawBars(title, below string, names, series []string, values [][]float64) (png []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("draw the chart: %v", r) // a picture must not end a war room
		}
	}()
	yes := true
	opt := charts.NewBarChartOptionWithData(values)
	opt.Horizontal, opt.StackSeries = true, &yes
	opt.Theme = charts.GetTheme(charts.ThemeLight).WithSeriesColors([]charts.Color{
		charts.ColorFromHex("#2e7d32"), charts.ColorFromHex("#ef6c00"), charts.ColorFromHex("#c62828"), charts.ColorFromHex("#dfe3e6"),
	})
	opt.Title = charts.TitleOption{Text: title, Subtext: below}
	opt.Legend = charts.LegendOption{SeriesNames: series, Offset: charts.OffsetRight}
	opt.CategoryAxis.Labels = names
	opt.ValueFormatter = func(v float64) string { return fmt.Sprintf("%.0f", v) }
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputPNG, Width: chartWide, Height: chartHead + chartPerRow*len(names)})
	if err := p.BarChart(opt); err != nil {
		return nil, fmt.Errorf("draw the chart: %w", err)
	}
	return p.Bytes()
}
