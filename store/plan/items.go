package plan

import "slices"

// A Stage is a part of the plan.
type Stage string

// The stages. Suicide is asked when that is in play: the six steps of the Safety Planning Intervention (Stanley &
// Brown 2012, Cognitive and Behavioral Practice 19:256-264).
const (
	Situation Stage = "situation"
	Leaving   Stage = "leaving"
	After     Stage = "after"
	Suicide   Stage = "suicide"
)

// Title names a stage.
func (s Stage) Title() string {
	switch s {
	case Situation:
		return "In the situation"
	case Leaving:
		return "Leaving"
	case After:
		return "After"
	default:
		return "When thoughts of suicide come"
	}
}

// An Item is one thing to ask.
type Item struct {
	ID       string // "stage/item", never changed
	Stage    Stage
	Title    string
	Ask      string // as a specialist would ask it, by text
	AskES    string // in Spanish
	OnCard   bool   // useful on the one-SMS card and telling nothing by itself
	NeverOut bool   // words agreed on in secret: never on the card
}

// In is the question in a language, empty in one that it is not written in.
func (i Item) In(language string) string {
	switch language {
	case "en":
		return i.Ask
	case "es":
		return i.AskES
	}
	return ""
}

// Items returns every item in the order of the form.
func Items() []Item { return slices.Clone(items) }

// Find returns the item with this ID.
func Find(id string) (Item, bool) {
	i := slices.IndexFunc(items, func(it Item) bool { return it.ID == id })
	if i < 0 {
		return Item{}, false
	}
	return items[i], true
}

var items = []Item{
	{ID: "situation/red-flags", Stage: Situation, Title: "Red flags", Ask: "What do you notice first when things are about to get bad?", AskES: "¿Qué notas primero cuando algo malo está por pasar?"},
	{ID: "situation/trusted-person", Stage: Situation, Title: "Trusted person", Ask: "Is there one person you trust who could know about this?", AskES: "¿Hay una persona de confianza que podría saberlo?", OnCard: true},
	{ID: "situation/words", Stage: Situation, Title: "Safe word and danger word", Ask: "Which word means you are fine, which one means get help, and what should we do then?", AskES: "¿Qué palabra dice que estás bien, cuál que necesitas ayuda, y qué hacemos entonces?", NeverOut: true},
	{ID: "situation/numbers", Stage: Situation, Title: "Numbers known by heart", Ask: "Which phone numbers do you know by heart?", AskES: "¿Qué números de teléfono sabes de memoria?", OnCard: true},
	{ID: "situation/communicate", Stage: Situation, Title: "Means to communicate", Ask: "How can you reach somebody if this phone is gone?", AskES: "¿Cómo puedes avisar si pierdes este teléfono?"},
	{ID: "situation/where", Stage: Situation, Title: "Where am I", Ask: "What can you see or hear that says where you are: signs, mail, trains, a shop?", AskES: "¿Qué ves u oyes que diga dónde estás: letreros, cartas, trenes, una tienda?"},
	{ID: "situation/dangerous-rooms", Stage: Situation, Title: "Dangerous rooms", Ask: "Which rooms are best avoided when it gets bad, and where is a way out?", AskES: "¿Qué cuartos es mejor evitar, y por dónde se sale?"},
	{ID: "situation/signal", Stage: Situation, Title: "Signal to a neighbour", Ask: "Could a neighbour know a signal, such as a light or a curtain?", AskES: "¿Algún vecino podría conocer una señal, como una luz o una cortina?"},
	{ID: "situation/children", Stage: Situation, Title: "Children", Ask: "Are there children, and what do they know to do?", AskES: "¿Hay niños, y saben qué hacer?"},
	{ID: "leaving/documents", Stage: Leaving, Title: "Documents", Ask: "Where are your papers, or copies of them?", AskES: "¿Dónde están tus papeles o sus copias?"},
	{ID: "leaving/money", Stage: Leaving, Title: "Money", Ask: "Is there some money that only you can get at?", AskES: "¿Tienes algo de dinero que solo tú puedas tomar?"},
	{ID: "leaving/medication", Stage: Leaving, Title: "Medication", Ask: "Which medication do you need with you, and for how long is there enough?", AskES: "¿Qué medicinas necesitas llevar, y para cuánto alcanzan?"},
	{ID: "leaving/bag", Stage: Leaving, Title: "Bag", Ask: "What would go into a small bag, and where could it wait unseen?", AskES: "¿Qué pondrías en una bolsa pequeña, y dónde puede esperar sin que la vean?"},
	{ID: "leaving/route", Stage: Leaving, Title: "Rehearsed route", Ask: "Which way would you go, at what time, and have you walked it once?", AskES: "¿Por dónde irías, a qué hora, y ya lo caminaste una vez?", OnCard: true},
	{ID: "leaving/trusted-person", Stage: Leaving, Title: "Who helps on the way", Ask: "Who could pick you up or let you in, and do they know?", AskES: "¿Quién podría recogerte o recibirte, y ya lo sabe?", OnCard: true},
	{ID: "leaving/children", Stage: Leaving, Title: "Children", Ask: "How do the children come along, and what do they need?", AskES: "¿Cómo van los niños, y qué necesitan?"},
	{ID: "leaving/words", Stage: Leaving, Title: "Word for going now", Ask: "Which word tells us that you are going now, and what should we do then?", AskES: "¿Qué palabra nos dice que sales ahora, y qué hacemos entonces?", NeverOut: true},
	{ID: "after/trusted-person", Stage: After, Title: "Trusted people", Ask: "Who is good to be near in the first days?", AskES: "¿Con quién es bueno estar los primeros días?", OnCard: true},
	{ID: "after/communicate", Stage: After, Title: "A phone that is yours", Ask: "Can you use a phone or account that nobody else can open or track?", AskES: "¿Puedes usar un teléfono o cuenta que nadie más abra o rastree?"},
	{ID: "after/documents", Stage: After, Title: "Documents", Ask: "Which papers need to be replaced, and who helps with that?", AskES: "¿Qué papeles hay que reponer, y quién ayuda?"},
	{ID: "after/money", Stage: After, Title: "Money and work", Ask: "What do you need for the first two weeks, and where can it come from?", AskES: "¿Qué necesitas las primeras dos semanas, y de dónde puede venir?"},
	{ID: "after/medication", Stage: After, Title: "Health", Ask: "Do you need a doctor, and which one feels safe?", AskES: "¿Necesitas un médico, y cuál te da confianza?"},
	{ID: "after/red-flags", Stage: After, Title: "Red flags", Ask: "How would you notice that somebody has found you, and what do you do first?", AskES: "¿Cómo notarías que alguien te encontró, y qué haces primero?"},
	{ID: "after/children", Stage: After, Title: "Children", Ask: "Who may pick up the children, and who knows who may not?", AskES: "¿Quién puede recoger a los niños, y quién sabe quién no?"},
	{ID: "suicide/warning-signs", Stage: Suicide, Title: "1. Warning signs", Ask: "What thoughts, moods or moments tell you that it is starting?", AskES: "¿Qué pensamientos, ánimos o momentos te dicen que empieza?"},
	{ID: "suicide/coping", Stage: Suicide, Title: "2. What helps me by myself", Ask: "What can you do alone that takes your mind off it for a while?", AskES: "¿Qué puedes hacer a solas para distraerte un rato?"},
	{ID: "suicide/distraction", Stage: Suicide, Title: "3. People and places that distract", Ask: "Who can you be with, or where can you go, without talking about it?", AskES: "¿Con quién o dónde puedes estar sin hablar de eso?"},
	{ID: "suicide/people", Stage: Suicide, Title: "4. People whom I can ask for help", Ask: "Whom could you tell that it is bad right now?", AskES: "¿A quién podrías decirle que ahora estás mal?"},
	{ID: "suicide/professionals", Stage: Suicide, Title: "5. Professionals and services", Ask: "Which helper, clinic or emergency room would you go to?", AskES: "¿A qué profesional, clínica o urgencias irías?"},
	{ID: "suicide/environment", Stage: Suicide, Title: "6. Making it safer around me", Ask: "What could be put out of reach, and who can help with that?", AskES: "¿Qué se puede poner fuera de alcance, y quién ayuda?"},
}
