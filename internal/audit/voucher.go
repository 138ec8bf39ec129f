package audit

// Sign is the signature over values, each a string or an int64, which nobody can divide
// otherwise. The first names what is signed, so that no signature serves for another.
func (s Signer) Sign(statement ...any) string { return s.sign(fields(statement...)) }

// Voucher knows the keys of an export that the reader's own key vouches for. The zero
// Voucher believes nobody.
type Voucher struct{ terms map[string]term }

// Signed reports whether one of them, named by its id, signed the values, at a time
// (unix milliseconds) when it was the one that signs.
func (v Voucher) Signed(key string, at int64, signature string, statement ...any) bool {
	t, known := v.terms[key]
	return known && at >= t.At && at <= t.until && verified(t.Public, signature, fields(statement...))
}
