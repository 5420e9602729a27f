package complete

type packageDoc struct{}
