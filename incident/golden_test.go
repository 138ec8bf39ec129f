package incident

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testdata/events.txt keeps every shape of event that was ever written, a line each.
// A line is never changed or taken away: records with such lines exist. A new kind or
// version is appended with TOCSIN_GENERATE=1.
func TestEveryShapeEverWrittenIsStillRead(t *testing.T) {
	path := filepath.Join("testdata", "events.txt")
	kept := map[string]string{}
	if f, err := os.Open(path); err == nil {
		for s := bufio.NewScanner(f); s.Scan(); {
			k, data, _ := strings.Cut(s.Text(), " ")
			kept[k] = data
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, line := range kept {
		kind, version, _ := strings.Cut(name, "/")
		v, err := strconv.Atoi(version)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeEvent(kind, v, []byte(line)); err != nil {
			t.Errorf("%s is not read any more: %v", name, err)
		}
	}
	var missing []string
	for _, kind := range sortedKeys(eventBook.byKind) {
		want := sampleOf(kind)
		_, v, data, err := EncodeEvent(want)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s/%d", kind, v)
		line, ok := kept[name]
		if !ok {
			missing = append(missing, name+" "+string(data))
			continue
		}
		got, err := DecodeEvent(kind, v, []byte(line))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s reads differently than it was written (-want +got):\n%s", name, d)
		}
		if string(data) != line {
			t.Errorf("%s is written differently now; raise its version:\n was %s\n now %s", name, line, data)
		}
	}
	if len(missing) == 0 {
		return
	}
	if os.Getenv("TOCSIN_GENERATE") == "" {
		t.Fatalf("not kept yet, run with TOCSIN_GENERATE=1: %v", missing)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Join(missing, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// sampleOf fills every field of a kind with something that is not zero.
func sampleOf(kind string) Event {
	for ty, s := range eventBook.byType {
		if s.kind == kind {
			v := reflect.New(ty).Elem()
			fillSample(v, 1)
			return v.Interface().(Event)
		}
	}
	panic(kind)
}

func fillSample(v reflect.Value, n int) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 3, 4, n%60, 0, time.UTC)))
		return
	case v.Type() == sealedType:
		v.Set(reflect.ValueOf(Sealed{Ref: fmt.Sprintf("ref%d", n)}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillSample(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillSample(v.Index(0), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fillSample(v.Field(i), n+i)
		}
	}
}
