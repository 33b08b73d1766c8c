locals {
  a = “quoted”
  b = 1 – 2
  c = "non breaking"  
}
