// Package wholehost tries isolation on a whole host: the product's own gate at the real root
// cgroup and in the first network namespace, on a virtual machine that is thrown away.
//
// It is tests only, and one binary plays both parts. TestOutside runs on the machine that
// starts the virtual one: it makes network namespaces of its own, plugs each into a network card
// of the virtual machine, listens to what comes out of them, and starts QEMU. TestTheWholeHost
// runs inside, and asks what was heard outside over a serial line, which no gate sees.
//
// Neither does anything unless it is told by whoever knows the danger: the one inside wants a
// kernel that was started with containtest.Expendable. .ci/kernels does both.
package wholehost
