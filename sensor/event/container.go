package event

import "strings"

// shown is how much of a container's id people are shown: what their tools show too.
const shown = 12

// String is the container for people: the beginning of its id, what it is called, and its
// image: 4f66ad9a0b2e shop/web-7d4b9c-x2x4q/nginx (nginx:1.27). It is empty on the host itself.
// The words are those of whoever started it.
func (c *Container) String() string {
	if c.ID == "" {
		return ""
	}
	var called []string
	for _, part := range []string{c.Namespace, c.Pod, c.Name} {
		if part != "" {
			called = append(called, part)
		}
	}
	s := strings.TrimSpace(c.ID[:min(shown, len(c.ID))] + " " + strings.Join(called, "/"))
	if c.Image != "" {
		s += " (" + c.Image + ")"
	}
	return s
}

// Is reports whether somebody means this container: by its id or the beginning of it, its
// name, its pod, or the pod in its namespace.
func (c *Container) Is(name string) bool {
	return c.ID != "" && name != "" && (strings.HasPrefix(c.ID, name) || c.Name == name || c.Pod == name ||
		c.Pod != "" && c.Namespace+"/"+c.Pod == name)
}
