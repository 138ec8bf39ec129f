package intel

// texts are strings laid end to end: a million of them are two allocations.
type texts struct {
	ends []uint32
	blob []byte
}

func (t *texts) at(n uint32) string {
	from := uint32(0)
	if n > 0 {
		from = t.ends[n-1]
	}
	return string(t.blob[from:t.ends[n]])
}

func (t *texts) add(s string) uint32 {
	t.blob = append(t.blob, s...)
	t.ends = append(t.ends, uint32(len(t.blob)))
	return uint32(len(t.ends) - 1)
}

// interned keeps each text once.
type interned struct {
	texts
	known map[string]uint32
}

func (t *interned) number(s string) uint32 {
	if n, ok := t.known[s]; ok {
		return n
	}
	if t.known == nil {
		t.known = map[string]uint32{}
	}
	n := t.add(s)
	t.known[s] = n
	return n
}
