package kubernetes_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/kubernetes"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox/story"
)

// room is a Tocsin whose people contain in a real cluster.
type room struct {
	t    *testing.T
	demo *app.Demo
}

func openRoom(t *testing.T, shop *kubernetes.Shop) *room {
	t.Helper()
	d, err := app.StartDemo(t.Context(), app.DemoOptions{Patience: 30 * time.Second, Log: slog.New(slog.DiscardHandler),
		Kubernetes: config.Kubernetes{Server: shop.URL, Token: config.NewSecret(shop.Token), Cluster: "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return &room{t, d}
}

// play has people do something, and see what they must see.
func (r *room) play(lines ...string) {
	r.t.Helper()
	s, err := story.Parse("miner", []byte("# A miner in a pod.\n"+strings.Join(lines, "\n")))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.demo.Play(r.t.Context(), s, nil); err != nil {
		r.t.Fatal(err)
	}
}

// A miner is found in one of two pods: asked for, approved by a second person, kept as
// evidence, taken out of Service and network while its owner starts another, proved as far
// as the API tells, and released.
func TestAMinerFromTheSlashCommandToTheRelease(t *testing.T) {
	shop := kubernetes.NewShop(t, "kubernetes.quarantine-pod")
	miner := shop.Pods()[0]
	r := openRoom(t, shop)
	r.play(
		"alice types '/incident declare p1 a miner in the shop'",
		"channel inc-0001-* has alice",
		"alice goes to #inc-0001-*",
		"bob types '/incident join INC-0001'",
		"channel inc-0001-* has bob",
		fmt.Sprintf("alice types '/contain kubernetes.quarantine-pod %s/%s reason:\"mines coins\"'", shop.Namespace, miner),
		"alice sees 'Approval wanted: kubernetes.quarantine-pod'",
		"alice sees 'loses this pod'",
		"alice clicks 'Approve' confirming",
		"alice sees 'You asked for this one'",
	)
	if shop.Labels(miner)["app"] != "web" || shop.Policies() != 0 {
		t.Fatal("something changed before anybody else approved it")
	}
	r.play(
		"bob goes to #inc-0001-*",
		"bob clicks 'Approve' confirming",
		"bob sees 'Stored, but not proven to work: kubernetes.quarantine-pod'",
		"timeline has 'Bob Brandt approved kubernetes.quarantine-pod'",
		"timeline has 'Evidence kept…_pod.json'",
	)
	shop.Replaced(t, miner)
	if !shop.Runs(miner) || !shop.Denied(miner) {
		t.Error("the pod is not kept running under a policy of its own")
	}
	r.play(
		"alice goes to #inc-0001-*",
		"alice types '/contain undo 1 the image was rebuilt'",
		"alice sees 'Released: kubernetes.quarantine-pod'",
		"audit verifies",
	)
	shop.Settled(t)
	if shop.Policies() != 0 {
		t.Error("the policy is still there after the release")
	}
}

// The same words without Slack: asked for and approved at the command line.
func TestAMinerFromTheCommandLine(t *testing.T) {
	shop := kubernetes.NewShop(t, "kubernetes.quarantine-pod")
	miner := shop.Pods()[0]
	r := openRoom(t, shop)
	r.play(
		"alice types '/incident declare p1 a miner in the shop'",
		"channel inc-0001-* has alice",
		"bob types '/incident join INC-0001'",
		"channel inc-0001-* has bob",
		"slack is down",
		fmt.Sprintf("tocsin do '/contain INC-0001 kubernetes.quarantine-pod %s/%s' as alice", shop.Namespace, miner),
		"tocsin answers 'is asked for'",
		"all is quiet",
		"tocsin do '/contain INC-0001 status 1' as bob",
		"tocsin do '/contain INC-0001 approve 1 plan:{shown}' as bob",
		"tocsin answers 'Your approval is recorded'",
		"timeline has 'not proven'",
	)
	shop.Replaced(t, miner)
	if !shop.Denied(miner) {
		t.Error("no policy denies the pod everything")
	}
	r.play("tocsin do '/contain INC-0001 undo 1 done' as alice", "all is quiet", "timeline has 'eleased'", "audit verifies")
	shop.Settled(t)
}
