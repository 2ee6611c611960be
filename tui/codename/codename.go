// Package codename gives conversations names that can be said aloud in a room and tell nothing about anybody.
package codename

import "hash/fnv"

// Of returns two plain words for a conversation's ID: always the same ones, and nothing of the ID can be told from
// them. There are 4,096 names, so two of many conversations may share one: it is shown beside the number's tail and
// never decides anything.
func Of(conversation string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(conversation))
	n := h.Sum64()
	n ^= n >> 32
	return qualities[n%64] + " " + things[n/64%64]
}

// The words: weather, colours and landscape. None is a name, a person, a body, a sound-alike of a slur or of the trade.
var qualities = [64]string{
	"amber", "autumn", "azure", "bright", "broad", "bronze", "calm", "clear", "copper", "coral", "crisp", "early",
	"eastern", "even", "fair", "fern", "fresh", "frosty", "gentle", "golden", "grand", "green", "hazel", "high", "hollow",
	"indigo", "ivory", "jade", "late", "lilac", "lime", "linen", "long", "lunar", "maple", "mellow", "mild", "misty",
	"mossy", "noble", "northern", "olive", "opal", "pearl", "plain", "quiet", "rapid", "round", "russet", "sandy",
	"silver", "simple", "slate", "solar", "southern", "spring", "steady", "still", "summer", "teal", "tidal", "warm",
	"western", "winter",
}

var things = [64]string{
	"acorn", "anchor", "arch", "aspen", "basin", "bay", "beacon", "birch", "bridge", "brook", "canal", "canyon", "cedar",
	"cliff", "cloud", "coast", "comet", "creek", "delta", "dune", "elm", "ember", "field", "fjord", "forest", "fountain",
	"garden", "glacier", "grove", "harbor", "heron", "hill", "island", "juniper", "lagoon", "lake", "lantern", "larch",
	"ledge", "marsh", "meadow", "mill", "moon", "oak", "orchard", "otter", "path", "pebble", "pine", "plateau", "pond",
	"prairie", "reef", "ridge", "river", "robin", "shore", "sparrow", "spruce", "stone", "tower", "valley", "willow",
	"wren",
}
