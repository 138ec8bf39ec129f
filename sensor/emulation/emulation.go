// Package emulation carries out techniques of ATT&CK on this machine, for tests of what a sensor sees: real
// processes, system calls, files and sockets of our own making, and no harm.
//
// Each is done in namespaces of its own. What it writes goes to memory and is gone with it, its network has
// no way out, /dev has no disks and nothing of /run can be asked. The adversary's side listens in there too. Programs that a plain system
// has not are played by the test binary under their names, and do the real thing.
//
//	TestMain: emulation.Main() first
//	Run(ctx, technique, cgroup) ─▶ the test binary as the stage ─▶ bash ─▶ what the technique does
//
// It takes root. The cgroup says afterwards which events are whose.
package emulation

// Technique is one that can be carried out.
type Technique struct {
	ID   string // of ATT&CK
	Does string // what happens, in a few words
	Rule string // that has to fire, by the name of its file
	// script is what an intruder types, for bash. Its end is 0 when it came off.
	script string
}

// Techniques lists them. None is in what the rule of an earlier one is tagged with, so that a room has
// something to say about each.
func Techniques() []Technique {
	var all []Technique
	for _, part := range [][]Technique{execution(), persistence(), privilege(), evasion(), credentials(), discovery(), command(), impact()} {
		all = append(all, part...)
	}
	return all
}
