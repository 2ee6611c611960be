package sms

// The GSM 7-bit default alphabet and its extension table, 3GPP TS 23.038 sections 6.2.1 and 6.2.1.1, without the escape
// character itself, which stands for nothing.
const (
	basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ" +
		" !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extension = "\f^{}\\[~]|€"
)

// septets is what each character of the alphabet takes.
var septets = func() map[rune]int {
	m := make(map[rune]int, 137)
	for _, r := range basic {
		m[r] = 1
	}
	for _, r := range extension {
		m[r] = 2
	}
	return m
}()

// typographic maps characters that word processors and telephones put in by themselves to what a person would have typed
// in GSM-7. Letters are never changed: an accent can be another word.
var typographic = map[rune]string{
	'‘': "'", '’': "'", '‚': "'", '‛': "'", '′': "'", '‵': "'", 'ʼ': "'", 'ʹ': "'", '＇': "'", '´': "'", '`': "'", '‹': "'", '›': "'",
	'“': `"`, '”': `"`, '„': `"`, '‟': `"`, '″': `"`, '‶': `"`, '«': `"`, '»': `"`, '＂': `"`, '〝': `"`, '〞': `"`,
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '―': "-", '−': "-", '﹘': "-", '－': "-", '⁃': "-", '•': "-", '‣': "-",
	'…': "...", '‥': "..", '․': ".", '‼': "!!", '⁇': "??", '⁈': "?!", '⁉': "!?",
	'⁄': "/", '∕': "/", '∗': "*", '～': "~",
	'\t': " ", '\u0085': "\n", '\u2028': "\n", '\u2029': "\n",
	'\u00a0': " ", '\u1680': " ", '\u2000': " ", '\u2001': " ", '\u2002': " ", '\u2003': " ", '\u2004': " ", '\u2005': " ",
	'\u2006': " ", '\u2007': " ", '\u2008': " ", '\u2009': " ", '\u200a': " ", '\u202f': " ", '\u205f': " ", '\u3000': " ",
	'\u00ad': "", '\u200b': "", '\u2060': "", '\ufeff': "",
}
