use duologue_base::StreamId;

/// Most associations have one channel or a few.
const PAGE: usize = 4;

/// Values by stream id: two indexings to reach one, memory only where streams are in use.
#[derive(Debug)]
pub(crate) struct StreamMap<T> {
    pages: Vec<Option<Box<[Option<T>; PAGE]>>>,
}

impl<T> Default for StreamMap<T> {
    fn default() -> Self {
        StreamMap { pages: Vec::new() }
    }
}

impl<T> StreamMap<T> {
    pub(crate) fn get(&self, stream: StreamId) -> Option<&T> {
        let (page, slot) = split(stream);
        self.pages.get(page)?.as_ref()?[slot].as_ref()
    }

    pub(crate) fn get_mut(&mut self, stream: StreamId) -> Option<&mut T> {
        let (page, slot) = split(stream);
        self.pages.get_mut(page)?.as_mut()?[slot].as_mut()
    }

    pub(crate) fn entry(&mut self, stream: StreamId, make: impl FnOnce() -> T) -> &mut T {
        let (page, slot) = split(stream);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([const { None }; PAGE]));
        page[slot].get_or_insert_with(make)
    }

    pub(crate) fn remove(&mut self, stream: StreamId) -> Option<T> {
        let (page, slot) = split(stream);
        let place = self.pages.get_mut(page)?;
        let entries = place.as_mut()?;
        let value = entries[slot].take();
        if entries.iter().all(Option::is_none) {
            *place = None;
        }
        value
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (StreamId, &mut T)> {
        self.pages
            .iter_mut()
            .enumerate()
            .flat_map(|(page, entries)| {
                let entries = entries.iter_mut().flat_map(|entries| entries.iter_mut());
                entries.enumerate().filter_map(move |(slot, value)| {
                    let id = u16::try_from(page * PAGE + slot).ok()?;
                    Some((StreamId(id), value.as_mut()?))
                })
            })
    }
}

fn split(stream: StreamId) -> (usize, usize) {
    let id = usize::from(stream.0);
    (id / PAGE, id % PAGE)
}
