package baseline

import (
	"testing"
	"time"
)

// A host that an incident is about teaches nobody: neither itself nor the image that others run too.
func TestASuspectTeachesNobody(t *testing.T) {
	b := book(t, Rules{Learn: 2 * day})
	in := func(host string, suspect bool, image string) Where {
		return Where{Host: host, Image: image, Suspect: suspect}
	}
	for _, w := range []Where{in("web-3", false, ""), in("web-3", false, "shop/web"), in("web-4", false, "")} {
		b.Observe(started(w.Host, "/sbin/init", "/usr/sbin/nginx"), w, monday)
	}
	for d := range 20 {
		at := monday.Add(time.Duration(1+d) * day)
		for _, image := range []string{"", "shop/web"} {
			b.Observe(started("web-3", "/usr/sbin/nginx", "/tmp/x"), in("web-3", true, image), at)
		}
	}
	for _, image := range []string{"", "shop/web"} {
		for d, want := range []int{2, 2, 2, 0} { // it is learned as anything that begins now
			if news := b.Observe(started("web-3", "/usr/sbin/nginx", "/tmp/x"), in("web-3", false, image), monday.Add(time.Duration(21+d)*day)); len(news) != want {
				t.Errorf("%q, day %d after: %+v", image, d, news)
			}
		}
	}
	if news := b.Observe(started("web-4", "/sbin/init", "/usr/sbin/nginx"), in("web-4", true, ""), monday.Add(9*day)); len(news) != 0 {
		t.Errorf("what was usual is new: %+v", news)
	}
}

// What was frozen before it had learned says so, and is nobody's measure.
func TestFrozenBeforeItHadLearned(t *testing.T) {
	b := book(t, Rules{})
	young, old := Where{Host: "young"}, Where{Host: "old"}
	b.Observe(started("old", "/sbin/init", "/usr/sbin/nginx"), old, monday)
	b.Observe(started("young", "/sbin/init", "/usr/sbin/nginx"), young, monday.Add(12*day))
	if err := b.Freeze(Scope{Host, "young"}, monday.Add(13*day)); err != nil {
		t.Fatal(err)
	}
	at := monday.Add(30 * day)
	if news := b.Observe(started("young", "/sbin/init", "/bin/sh"), young, at); len(news) != 2 || !news[0].Early {
		t.Errorf("%+v", news)
	}
	if news := b.Observe(started("old", "/sbin/init", "/bin/sh"), old, at); len(news) != 2 || news[0].Early || news[0].Peers != 0 {
		t.Errorf("%+v", news)
	}
}
