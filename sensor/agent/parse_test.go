package agent

import (
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

const id64 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// The forms are those of systemd and cgroupfs drivers of each runtime.
func TestContainerOfAPath(t *testing.T) {
	const pod = "11111111-2222-3333-4444-555555555555"
	under := strings.ReplaceAll(pod, "-", "_")
	for path, want := range map[string]event.Container{
		"/":                            {},
		"/user.slice/user-0.slice":     {},
		"/system.slice/docker.service": {},
		"/docker/" + id64:              {ID: id64},
		"/system.slice/docker-" + id64 + ".scope":                                            {ID: id64},
		"/system.slice/docker-" + id64 + ".scope/init":                                       {ID: id64},
		"/machine.slice/libpod-" + id64 + ".scope/container":                                 {ID: id64},
		"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id64 + ".scope": {ID: id64},
		"/machine.slice/libpod-conmon-" + id64 + ".scope":                                    {},
		"/default/" + id64:                           {ID: id64},
		"/kubepods/burstable/pod" + pod + "/" + id64: {ID: id64, PodUID: pod},
		"/kubepods/pod" + pod + "/" + id64:           {ID: id64, PodUID: pod},
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + under + ".slice/cri-containerd-" + id64 + ".scope": {ID: id64, PodUID: pod},
		"/kubepods.slice/kubepods-pod" + under + ".slice/crio-" + id64 + ".scope/container":                                      {ID: id64, PodUID: pod},
		"/system.slice/containerd.service/kubepods-burstable-pod" + under + ".slice:cri-containerd:" + id64:                      {ID: id64, PodUID: pod},
		"/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" + id64:                                                       {ID: id64, PodUID: "0123456789abcdef0123456789abcdef"},
		"/lxc.payload.web-1/system.slice/ssh.service":                                                                            {ID: "web-1"},
		"/docker/" + id64 + "/docker/" + strings.Repeat("f", 64):                                                                 {ID: strings.Repeat("f", 64)},
		"/docker/" + id64[:63]:                        {},
		"/docker-" + strings.ToUpper(id64) + ".scope": {},
	} {
		got := containerOf(path)
		want.Path = path
		if got.ID != want.ID || got.PodUID != want.PodUID || got.Path != path {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestStatOfANameThatLies(t *testing.T) {
	ppid, start, ok := readStat([]byte("42 (x) S 1 (y) R 7 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2"))
	if !ok || ppid != 7 || start != 12345*clockTick {
		t.Errorf("%d %d %t", ppid, start, ok)
	}
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12 3 4"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, start, ok := readStat(b); ok && start%clockTick != 0 {
			t.Errorf("start %d", start)
		}
	})
}

func FuzzContainerPath(f *testing.F) {
	f.Add("/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice/crio-" + id64 + ".scope")
	f.Fuzz(func(t *testing.T, path string) {
		if c := containerOf(path); len(c.ID) > 64 || len(c.PodUID) > 36 {
			t.Errorf("%+v", c)
		}
	})
}
