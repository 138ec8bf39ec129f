package templates

// latinTable gives the ASCII spelling of letters beyond ASCII, lower case. Cyrillic
// follows the common passport spelling, Greek the usual one of ISO 843.
var latinTable = func() map[rune]string {
	m := map[rune]string{
		'ß': "ss", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ĳ': "ij",
		'ж': "zh", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch", 'ю': "yu", 'я': "ya",
		'є': "ye", 'ї': "yi", 'љ': "lj", 'њ': "nj", 'џ': "dz",
		'θ': "th", 'χ': "ch", 'ψ': "ps",
		'ä': "ae", 'ö': "oe", 'ü': "ue", 'ø': "oe", 'å': "aa",
	}
	for letters, ascii := range map[string]string{
		"àáâãāăąǎ": "a", "çćĉċč": "c", "ďđð": "d", "èéêëēĕėęěẽ": "e", "ĝğġģ": "g", "ĥħ": "h",
		"ìíîïĩīĭįıǐ": "i", "ĵ": "j", "ķ": "k", "ĺļľŀł": "l", "ñńņňŉŋ": "n", "òóôõōŏőǒ": "o",
		"ŕŗř": "r", "śŝşšș": "s", "ţťŧț": "t", "ùúûũūŭůűųǔ": "u", "ŵ": "w", "ýÿŷ": "y", "źżž": "z",
		"а": "a", "б": "b", "в": "v", "гґ": "g", "дђ": "d", "еёэ": "e", "з": "z", "иіы": "i", "йј": "y",
		"к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "тћ": "t", "уў": "u", "ф": "f",
		"αά": "a", "β": "v", "γ": "g", "δ": "d", "εέ": "e", "ζ": "z", "ηήιίϊΐ": "i", "κ": "k", "λ": "l",
		"μ": "m", "ν": "n", "ξ": "x", "οόωώ": "o", "π": "p", "ρ": "r", "σς": "s", "τ": "t", "υύϋΰ": "y", "φ": "f",
	} {
		for _, c := range letters {
			m[c] = ascii
		}
	}
	return m
}()

// latin is the ASCII spelling of one lower-case rune, "" when it has none.
func latin(c rune) string {
	if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
		return string(c)
	}
	return latinTable[c]
}

// mute says which runes vanish without parting words: soft and hard signs,
// apostrophes, accents on their own.
func mute(c rune) bool {
	switch c {
	case 'ъ', 'ь', '\'', '’', '‘', 'ʼ':
		return true
	}
	return c >= 0x300 && c <= 0x36f
}
