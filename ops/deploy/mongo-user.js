// Run once by MongoDB's image, when its volume is empty: the user of the scheduler and of the app.
db.getSiblingDB("app").createUser({
  user: "app",
  pwd: process.env.MONGO_APP_PASSWORD,
  roles: ["readWrite"],
});
