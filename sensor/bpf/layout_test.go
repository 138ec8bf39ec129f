package bpf

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

func objects(t *testing.T) map[string]*ebpf.CollectionSpec {
	t.Helper()
	now, err := loadEyes()
	if err != nil {
		t.Fatal(err)
	}
	old, err := loadEyes510()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*ebpf.CollectionSpec{"now": now, "before 5.12": old}
}

// Every field of every record is where the C side puts it, in both objects.
func TestLayout(t *testing.T) {
	for which, spec := range objects(t) {
		for name, v := range map[string]any{"head": eyesHead{}, "exec": eyesExec{}, "exit": eyesExit{}, "net": eyesNet{}, "dns": eyesDns{},
			"file_op": eyesFileOp{}, "priv": eyesPriv{}, "call": eyesCall{}, "count": eyesCount{}, "settings": eyesSettings{},
			"known": eyesKnown{}, "prefix": eyesPrefix{}, "leaf": eyesLeaf{}} {
			var c *btf.Struct
			if err := spec.Types.TypeByName(name, &c); err != nil {
				t.Fatalf("%s, %s: %v", which, name, err)
			}
			same(t, which+" "+name, c, reflect.TypeOf(v))
		}
	}
}

func same(t *testing.T, name string, c *btf.Struct, g reflect.Type) {
	t.Helper()
	if uintptr(c.Size) != g.Size() {
		t.Errorf("%s: %d bytes in C, %d in Go", name, c.Size, g.Size())
	}
	at := map[string]btf.Member{}
	var covered uint32
	for _, m := range c.Members {
		at[strings.ReplaceAll(m.Name, "_", "")] = m
		size, err := btf.Sizeof(m.Type)
		if err != nil {
			t.Fatal(err)
		}
		if m.Offset.Bytes() != covered {
			t.Errorf("%s: a hole before %s: what stands there would leave the kernel", name, m.Name)
		}
		covered = m.Offset.Bytes() + uint32(size)
	}
	if covered != c.Size {
		t.Errorf("%s: a hole at the end", name)
	}
	for i := range g.NumField() {
		f := g.Field(i)
		if f.Name == "_" {
			continue
		}
		m, ok := at[strings.ToLower(f.Name)]
		if !ok {
			t.Errorf("%s: %s is not in C", name, f.Name)
			continue
		}
		size, err := btf.Sizeof(m.Type)
		if err != nil || uintptr(m.Offset.Bytes()) != f.Offset || uintptr(size) != f.Type.Size() {
			t.Errorf("%s: %s at %d with %d bytes in C, at %d with %d in Go", name, f.Name, m.Offset.Bytes(), size, f.Offset, f.Type.Size())
		}
	}
}

// The words that both sides know by number are the same ones.
func TestNumbers(t *testing.T) {
	spec := objects(t)["now"]
	values := func(name string) map[string]uint64 {
		var e *btf.Enum
		if err := spec.Types.TypeByName(name, &e); err != nil {
			t.Fatalf("enum %s: %v", name, err)
		}
		all := map[string]uint64{}
		for _, v := range e.Values {
			all[v.Name] = v.Value
		}
		return all
	}
	kinds := values("kind")
	for _, k := range event.Kinds() {
		name := strings.ToUpper(k.String())
		if k == event.File {
			name = "FILE_" // a type of stdio's otherwise
		}
		if kinds[name] != uint64(k) {
			t.Errorf("%s is %d in C and %d in Go", name, kinds[name], k)
		}
	}
	if int(kinds["KINDS"]) != len(event.Kinds())+1 {
		t.Errorf("%d kinds in C", kinds["KINDS"])
	}
	for name, want := range map[string]uint64{"F_CUT_ARGS": flagCutArgs, "F_CUT_PATH": flagCutPath, "F_SETUID": flagSetUID, "F_CAPS": flagCaps,
		"F_DELETED": flagDeleted, "F_MEMFD": flagMemfd, "F_COMPAT": flagCompat, "F_IO_URING": flagIOUring, "F_UNCLEAN": flagUnclean,
		"F_ANSWER": flagAnswer, "F_TCP": flagTCP, "F_WRITE": flagWrite, "F_CREATED": flagCreated, "F_NO_OWNER": flagNoOwner} {
		if got := values("flag")[name]; got != want {
			t.Errorf("%s is %d in C and %d in Go", name, got, want)
		}
	}
	for name, want := range map[string]uint64{"SET_FAILED_EXEC": setFailedExec, "SET_READS": setReads, "SET_EVERY_SEND": setEverySend,
		"SET_V1_MEMORY": setV1Memory, "SET_MODULE_TP": setModuleTP, "SET_ALL_CREDS": setAllCreds} {
		if got := values("setting")[name]; got != want {
			t.Errorf("%s is %d in C and %d in Go", name, got, want)
		}
	}
	serve := values("serve")
	for name, want := range map[string]uint64{"S_OPEN": serveOpen, "S_PATHS": servePaths, "S_EXEC": serveExec, "S_ACCEPT": serveAccept,
		"S_CREDS": serveCreds, "S_CALL": serveCall} {
		if serve[name] != want {
			t.Errorf("%s is %d in C and %d in Go", name, serve[name], want)
		}
	}
	ops := values("op")
	for i, name := range opNames[1:] {
		if ops[strings.ToUpper(name)] != uint64(i+1) {
			t.Errorf("%s is %d in C and %d in Go", name, ops[strings.ToUpper(name)], i+1)
		}
	}
	if n := values("name")["N_COUNT"]; int(n) != len(callNames) {
		t.Errorf("%d call names in C, %d in Go", n, len(callNames))
	}
	inC := values("name")
	for _, c := range calls {
		if c.program != serveCreds && c.program != serveCall {
			continue
		}
		name := "N_" + strings.ToUpper(strings.TrimSuffix(c.name, "32"))
		name = strings.NewReplacer("PROCESS_VM_WRITEV", "PVM_WRITEV", "MEMFD_CREATE", "MEMFD").Replace(name)
		if inC[name] != uint64(c.what) {
			t.Errorf("%s is told to be %d; %s is %d in C", c.name, c.what, name, inC[name])
		}
	}
}

// Kernels before 5.12 refuse atomics that return a value wherever they stand.
func TestOldObjectHasNoNewAtomics(t *testing.T) {
	news := func(spec *ebpf.CollectionSpec) (n int) {
		for _, p := range spec.Programs {
			for _, i := range p.Instructions {
				if i.OpCode.Class() == asm.StXClass && i.OpCode.Mode() == asm.AtomicMode && slices.Contains([]asm.AtomicOp{
					asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg, asm.CmpXchg}, i.OpCode.AtomicOp()) {
					n++
				}
			}
		}
		return n
	}
	all := objects(t)
	if n := news(all["before 5.12"]); n != 0 {
		t.Errorf("%d new atomics", n)
	}
	if news(all["now"]) == 0 {
		t.Error("none in the other object: this test looks for the wrong thing")
	}
}
