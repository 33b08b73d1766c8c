locals {
	tabbed	= "漢字" + 1
	名前 = upper("é", "ü")
}
