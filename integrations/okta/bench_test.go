package okta

import (
	"net/http"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// late is a vendor who takes its time over every call.
type late struct{ by time.Duration }

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(l.by)
	return http.DefaultTransport.RoundTrip(r)
}

// BenchmarkSuspend prints how long it takes from asking to a plan, and from approval to a
// proof, where each call of Okta takes 200 ms. The plan watches one group.
func BenchmarkSuspend(b *testing.B) {
	var plan, deed time.Duration
	n := 0
	for b.Loop() {
		a := newAcme(b)
		c := a.conf()
		c.HTTP = &http.Client{Transport: late{200 * time.Millisecond}}
		suspend := the(b, c, "okta.suspend-user")
		began := time.Now()
		p, err := suspend.Plan(b.Context(), actions.Input{Target: "mallory@example.com"})
		if err != nil {
			b.Fatal(err)
		}
		planned := time.Now()
		r, err := suspend.Do(b.Context(), p)
		if err != nil {
			b.Fatal(err)
		}
		if proof, err := suspend.Verify(b.Context(), r); err != nil || proof.Standing != actions.InEffect {
			b.Fatal(proof, err)
		}
		plan, deed, n = plan+planned.Sub(began), deed+time.Since(planned), n+1
	}
	b.ReportMetric(float64(plan.Milliseconds())/float64(n), "ms/plan")
	b.ReportMetric(float64(deed.Milliseconds())/float64(n), "ms/approved-to-verified")
}
