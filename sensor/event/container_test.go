package event

import (
	"strings"
	"testing"
)

func TestAContainerForPeople(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for want, c := range map[string]Container{
		"":                                    {Image: "nginx", Path: "/"},
		"0123456789ab":                        {ID: id},
		"lxc1":                                {ID: "lxc1"},
		"0123456789ab web":                    {ID: id, Name: "web"},
		"0123456789ab (nginx:1.27)":           {ID: id, Image: "nginx:1.27"},
		"0123456789ab shop/web-0/nginx (a:b)": {ID: id, Name: "nginx", Pod: "web-0", Namespace: "shop", Image: "a:b"},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWhoMeansAContainer(t *testing.T) {
	c := Container{ID: strings.Repeat("0123456789abcdef", 4), Name: "nginx", Pod: "web-0", Namespace: "shop"}
	for name, want := range map[string]bool{"0123": true, c.ID: true, "nginx": true, "web-0": true, "shop/web-0": true,
		"": false, "web": false, "shop": false, "other/web-0": false, c.ID + "0": false} {
		if c.Is(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
	if (&Container{Name: "nginx"}).Is("nginx") || (&Container{ID: c.ID}).Is("/") {
		t.Error("the host is a container, or one without a pod has one")
	}
}
