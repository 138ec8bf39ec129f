package gate

// Flip is the one write that closes or opens the gate for the whole host.
func (g *Gate) Flip(u Until) error { return g.maps.Gates.Put(gateHost, uint64(u)) }
