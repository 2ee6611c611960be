package smstest

import (
	"math/rand/v2"
	"strings"
)

// Words of the field in English and Spanish, the commonest first, as a language has them: few make up most of what is
// said.
var spoken = strings.Fields(`i he me the you to and in my it is not is was they here we on at now what how can have with
	que no de la el en me y a mi es se lo por un una con esta si help please phone door room car work money house come
	know when where who because night leave safe talk text wait man boss she her friend sister aunt brother police bus
	papers passport locked kitchen bathroom window street motel gas station hotel trabajo casa puerta dinero papeles
	pasaporte ayuda favor jefe hermana tía niña habitación ventana calle teléfono miedo policía mañana noche dormir
	comida scared hungry sick clinic bag key keys train truck highway exit sign blue red green factory field farm nails
	salon restaurant cleaning basement upstairs neighbour shelter lawyer visa border river bridge church school hospital
	cámara escondida camión carretera frontera iglesia escuela abogada refugio vecina sótano cocina`)

// Talk returns n texts of 4 to 20 words that nobody wrote; the same ones for the same n. One in a thousand has the word
// "tangerine", one in ten thousand "Ñandú".
func Talk(n int) []string {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	zipf := rand.NewZipf(r, 1.2, 4, uint64(len(spoken)-1))
	texts := make([]string, n)
	for i := range texts {
		words := make([]string, 4+r.IntN(17))
		for j := range words {
			words[j] = spoken[zipf.Uint64()]
		}
		if i%1000 == 500 {
			words[r.IntN(len(words))] = "tangerine"
		}
		if i%10_000 == 5000 {
			words[r.IntN(len(words))] = "Ñandú"
		}
		texts[i] = strings.Join(words, " ")
	}
	return texts
}
