package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/evidence/bundle"
)

// evidenceVerifies hands the evidence of the newest incident over and verifies it as
// whoever gets it would, with the public key alone. The report has to say a text.
func (d *Demo) evidenceVerifies(ctx context.Context, says string) error {
	s, err := d.newest(ctx)
	if err != nil {
		return err
	}
	a, c := d.App(), d.config
	if auditKeyFile(c) == "" && !c.AuditKey.IsSet() {
		c.AuditKey = config.NewSecret(strings.Repeat("07", 32)) // several replicas, and nobody gave them one
	}
	who, ok := a.PlanPerson(string(s.Holder(incident.Commander)))
	if !ok {
		return fmt.Errorf("%s has no commander to take the evidence", s.Stream)
	}
	var file bytes.Buffer
	_, public, err := a.exportEvidence(ctx, &Audit{c, a.db, d.Clock.Now}, who, s.Stream, "the court", &file)
	if err != nil {
		return err
	}
	found, err := bundle.Verify(&file, public)
	if err != nil {
		return err
	}
	if !found.OK() {
		return fmt.Errorf("the bundle is not whole: %v", found.Problems)
	}
	var told strings.Builder
	if err := found.Write(&told); err != nil {
		return err
	}
	return saysAll(told.String(), []string{says})
}
